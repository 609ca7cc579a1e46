import { type Issuer, mtlsRequest, type MtlsRequestOptions } from "@certbound/testing";
import { once } from "node:events";
import { type IncomingMessage, request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { text } from "node:stream/consumers";
import type { ClientName, Pki } from "./pki.ts";

/** A request, told by the people in it. */
export interface Attempt {
  /** Whose certificate and key the client has; absent: none. */
  readonly client?: ClientName;
  /** Whose token it sends. */
  readonly token: ClientName;
  readonly headers?: Fields;
  readonly tlsVersion?: "TLSv1.2" | "TLSv1.3";
  readonly session?: Buffer | undefined;
  readonly httpVersion?: 1 | 2;
  /** For requests past the proxy: the address that they come from. */
  readonly from?: string;
}

/** Header fields, each on its own line. */
export type Fields = readonly (readonly [name: string, value: string])[];

/** What came back. */
export interface Answer {
  /** 0 when nothing came: rejected in the handshake, or just after it. */
  readonly status: number;
  readonly body: string;
  readonly challenge: string;
  readonly session?: Buffer | undefined;
  readonly resumed?: boolean;
}

/** Who is there, and who issues tokens. */
export interface People {
  readonly pki: Pki;
  readonly issuer: Issuer;
}

/** Sends a request to the TLS listener of a proxy. */
export async function sendThroughProxy(url: string, attempt: Attempt, { pki, issuer }: People): Promise<Answer> {
  const { client, token, headers = [], tlsVersion, session, httpVersion } = attempt;
  const options: MtlsRequestOptions = {
    ca: pki.ca,
    token: await tokenOf(token, { pki, issuer }),
    headers,
    ...(client && { identity: pki.clients[client] }),
    ...(tlsVersion && { tlsVersion }),
    ...(session && { session }),
    ...(httpVersion && { httpVersion }),
  };
  const response = await mtlsRequest(url, options).catch(rejectedConnection);
  if (response === undefined) return { status: 0, body: "", challenge: "" };
  const { status, body, headers: fields, tls } = response;
  const challenge = fields["www-authenticate"] ?? "";
  return { status, body, challenge, session: tls.session, resumed: tls.sessionReused };
}

/** Catches what a proxy that rejects a certificate causes, and nothing else, such as a timeout. */
function rejectedConnection(error: unknown): undefined {
  // Node's errors of connections have a code; with TLS 1.3 it depends on the moment which of these it is.
  const { code = "", message } = error as NodeJS.ErrnoException;
  const rejected =
    code === "ECONNRESET" ||
    code === "EPIPE" ||
    /alert (?:unknown ca|bad certificate|certificate expired)/.test(message);
  if (!rejected) throw error;
}

/** Sends a request straight to a port of the API, with TLS or without. */
export async function sendPastProxy(url: string, attempt: Attempt, { pki, issuer }: People): Promise<Answer> {
  const { client, token, headers = [], from } = attempt;
  const authorization = ["authorization", `Bearer ${await tokenOf(token, { pki, issuer })}`] as const;
  const fields = [authorization, ["host", "localhost"] as const, ...headers];
  const identity = client && pki.clients[client];
  const request = url.startsWith("https:") ? httpsRequest : httpRequest;
  const message = request(url, {
    headers: fields.flat(),
    agent: false,
    ca: pki.ca,
    servername: "localhost",
    ...(identity && { cert: identity.certificate, key: identity.key }),
    ...(from !== undefined && { localAddress: from }),
  }).end();
  // The first argument of the event.
  const [response] = (await once(message, "response")) as [IncomingMessage];
  const challenge = response.headers["www-authenticate"] ?? "";
  return { status: response.statusCode ?? 0, body: await text(response), challenge };
}

function tokenOf(owner: ClientName, { pki, issuer }: People): Promise<string> {
  return issuer.accessToken({ boundTo: pki.clients[owner], claims: { client_id: owner } });
}
