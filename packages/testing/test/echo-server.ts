import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import { createServer } from "node:https";
import { text } from "node:stream/consumers";
import type { TLSSocket, TlsOptions } from "node:tls";
import { onTestFinished } from "vitest";
import { type CertificateAuthority, createCertificateAuthority } from "../src/certificates/certificate-authority.ts";
import { startServer } from "../src/start-server.ts";

/** A request as the server received it. */
export interface Echo {
  readonly method: string;
  readonly path: string;
  readonly rawHeaders: readonly string[];
  readonly body: string;
  readonly httpVersion: string;
  readonly authorized: boolean;
  readonly authorizationError: string | null;
  readonly thumbprint: string | null;
}

type Incoming = IncomingMessage | Http2ServerRequest;
type Outgoing = ServerResponse | Http2ServerResponse;

interface EchoServerOptions extends TlsOptions {
  readonly http2?: boolean;
  /** Replaces the echo. */
  readonly respond?: (request: Incoming, response: Outgoing) => void;
}

/** Issues the certificates of all echo servers. It is shared, because creating it takes longer than most tests. */
export const echoCa = await createCertificateAuthority();
const { certificate: cert, key } = await echoCa.issueServerCertificate();

/** Starts a server for one test that requests a certificate and responds with what it received. */
export async function startEchoServer(
  options: EchoServerOptions = {},
): Promise<{ readonly ca: CertificateAuthority; readonly url: string }> {
  const { http2 = false, respond = (request, response) => void echo(request, response), ...tls } = options;
  const settings = { cert, key, ca: echoCa.certificate, requestCert: true, rejectUnauthorized: false, ...tls };
  const { url, close } = await startServer(
    http2 ? createSecureServer(settings, respond) : createServer(settings, respond),
  );
  onTestFinished(close);
  return { ca: echoCa, url };
}

async function echo(request: Incoming, response: Outgoing): Promise<void> {
  const socket = request.socket as TLSSocket;
  const { raw } = socket.getPeerCertificate() as { raw?: Buffer };
  const seen: Echo = {
    method: request.method ?? "",
    path: request.url ?? "",
    rawHeaders: request.rawHeaders,
    httpVersion: request.httpVersion,
    authorized: socket.authorized,
    // the type is Error, but the value is the error code
    authorizationError: (socket.authorizationError as unknown as string | undefined) ?? null,
    thumbprint: raw === undefined ? null : createHash("sha256").update(raw).digest("base64url"),
    body: await text(request),
  };
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify(seen));
}
