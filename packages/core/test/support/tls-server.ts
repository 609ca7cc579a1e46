import type { IncomingMessage, ServerResponse } from "node:http";
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import { createServer } from "node:https";
import { createCertificateAuthority, startServer } from "@certbound/testing";
import { onTestFinished } from "vitest";

const certificateAuthority = await createCertificateAuthority();
const { certificate: cert, key } = await certificateAuthority.issueServerCertificate();

/** A server that requests client certificates, and accepts all of them. */
export interface TlsServer {
  readonly url: string;
  /** The CA of the server's certificate, as PEM. */
  readonly ca: string;
}

/** The request listener, for HTTP/1.1 and HTTP/2. */
export type TlsListener = (
  request: IncomingMessage | Http2ServerRequest,
  response: ServerResponse | Http2ServerResponse,
) => void;

const mutual = { key, cert, requestCert: true, rejectUnauthorized: false };

/** Starts a server for HTTP/1.1, which is closed after the test. */
export async function startHttpsServer(listener: TlsListener, options: object = {}): Promise<TlsServer> {
  return start(createServer({ ...mutual, ...options }, listener));
}

/** Starts a server for HTTP/2, which is closed after the test. */
export async function startHttp2Server(listener: TlsListener, options: object = {}): Promise<TlsServer> {
  return start(createSecureServer({ ...mutual, ...options }, listener));
}

async function start(server: Parameters<typeof startServer>[0]): Promise<TlsServer> {
  const { url, close } = await startServer(server);
  onTestFinished(close);
  return { url, ca: certificateAuthority.certificate };
}
