import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import { createServer } from "node:https";
import { text } from "node:stream/consumers";
import type { TLSSocket, TlsOptions } from "node:tls";
import { onTestFinished } from "vitest";
import { type CertificateAuthority, createCertificateAuthority } from "../src/certificates/certificate-authority.ts";
import { startServer } from "../src/start-server.ts";

/** What the server saw of a request. */
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
  /** What the server does instead of echoing. */
  readonly answer?: (request: Incoming, response: Outgoing) => void;
}

/** Issues the certificates of all echo servers, once: to make them anew would take longer than most tests. */
export const echoAuthority = await createCertificateAuthority();
const { certificate: cert, key } = await echoAuthority.issueServerCertificate();

/** Starts a server for one test that asks for a certificate and answers what it saw. */
export async function startEchoServer(
  options: EchoServerOptions = {},
): Promise<{ readonly ca: CertificateAuthority; readonly url: string }> {
  const { http2 = false, answer = (request, response) => void echo(request, response), ...tls } = options;
  const settings = { cert, key, ca: echoAuthority.certificate, requestCert: true, rejectUnauthorized: false, ...tls };
  const { url, close } = await startServer(
    http2 ? createSecureServer(settings, answer) : createServer(settings, answer),
  );
  onTestFinished(close);
  return { ca: echoAuthority, url };
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
    // declared as an Error, but it is the code
    authorizationError: (socket.authorizationError as unknown as string | undefined) ?? null,
    thumbprint: raw === undefined ? null : createHash("sha256").update(raw).digest("base64url"),
    body: await text(request),
  };
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify(seen));
}
