import { type Issuer, mtlsRequest, type MtlsRequestOptions } from "@certbound/testing";
import { once } from "node:events";
import { type IncomingMessage, request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { text } from "node:stream/consumers";
import type { ClientName, Pki } from "./pki.ts";

/** A request, described by the owners of the certificate and the token. */
export interface Attempt {
  /** The owner of the client's certificate. Default: no certificate. */
  readonly client?: ClientName;
  /** The client that the token is issued to. */
  readonly token: ClientName;
  readonly headers?: Fields;
  readonly tlsVersion?: "TLSv1.2" | "TLSv1.3";
  readonly session?: Buffer | undefined;
  readonly httpVersion?: 1 | 2;
  /** The local address, for requests that bypass the proxy. */
  readonly from?: string;
}

/** Header fields, each on its own line. */
export type Fields = readonly (readonly [name: string, value: string])[];

/** The response. */
export interface ProxyResponse {
  /** 0 without a response: the connection was closed during or right after the handshake. */
  readonly status: number;
  readonly body: string;
  readonly challenge: string;
  readonly session?: Buffer | undefined;
  readonly resumed?: boolean;
}

/** The certificates and the issuer. */
export interface Parties {
  readonly pki: Pki;
  readonly issuer: Issuer;
}

/** Sends a request to the TLS listener of a proxy. */
export async function sendThroughProxy(
  url: string,
  attempt: Attempt,
  { pki, issuer }: Parties,
): Promise<ProxyResponse> {
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
  const response = await mtlsRequest(url, options).catch(ignoreRejectedConnection);
  if (response === undefined) return { status: 0, body: "", challenge: "" };
  const { status, body, headers: fields, tls } = response;
  const challenge = fields["www-authenticate"] ?? "";
  return { status, body, challenge, session: tls.session, resumed: tls.sessionReused };
}

/** Returns undefined for errors of a rejected certificate, and rethrows all others, for example a timeout. */
function ignoreRejectedConnection(error: unknown): undefined {
  // With TLS 1.3 the error depends on the timing.
  const { code = "", message } = error as NodeJS.ErrnoException;
  const rejected =
    code === "ECONNRESET" ||
    code === "EPIPE" ||
    /alert (?:unknown ca|bad certificate|certificate expired)/.test(message);
  if (!rejected) throw error;
}

/** Sends a request directly to a port of the API, with or without TLS. */
export async function sendPastProxy(url: string, attempt: Attempt, { pki, issuer }: Parties): Promise<ProxyResponse> {
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
  // The event has the response as its first argument.
  const [response] = (await once(message, "response")) as [IncomingMessage];
  const challenge = response.headers["www-authenticate"] ?? "";
  return { status: response.statusCode ?? 0, body: await text(response), challenge };
}

function tokenOf(owner: ClientName, { pki, issuer }: Parties): Promise<string> {
  return issuer.accessToken({ boundTo: pki.clients[owner], claims: { client_id: owner } });
}
