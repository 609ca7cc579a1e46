import type { IncomingHttpHeaders } from "node:http";
import { sendHttp1, sendHttp2 } from "./http-transport.ts";
import { parseMtlsRequest } from "./mtls-request-options.ts";
import type { MtlsRequestOptions } from "./mtls-request-options.ts";
import { openTlsConnection } from "./tls-connection.ts";
import type { TlsState } from "./tls-connection.ts";

/** A response and the state of its TLS connection. */
export interface MtlsResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** Parses the body. */
  readonly json: () => unknown;
  readonly tls: TlsState;
}

const timeout = 10_000;

/**
 * Sends one request over a new TLS connection, and closes the connection afterwards.
 *
 * The server's certificate must chain to `ca` and be valid for `localhost`, even if the URL has another host.
 * `NODE_TLS_REJECT_UNAUTHORIZED` has no effect. Rejects if the response takes longer than ten seconds, or if the server
 * rejects the client certificate during the handshake. An error status such as 401 does not reject.
 *
 * @example
 * <!-- source: test/api-examples/testing.examples.ts#mtlsRequest -->
 * ```ts
 * const ca = kit.ca.certificate;
 * const [client, thief] = [await kit.issueClientCertificate(), await kit.issueClientCertificate()];
 * const token = await kit.accessToken({ boundTo: client });
 *
 * const accepted = await mtlsRequest(`${url}/accounts`, { ca, identity: client, token });
 * assert.equal(accepted.status, 200);
 * const rejected = await mtlsRequest(`${url}/accounts`, { ca, identity: thief, token });
 * assert.equal(rejected.status, 401);
 * ```
 *
 * @throws TypeError for a URL that is not https, an unknown option or an invalid value
 */
export async function mtlsRequest(url: string | URL, options: MtlsRequestOptions): Promise<MtlsResponse> {
  const request = parseMtlsRequest(url, options);
  const { socket, state } = openTlsConnection(request);
  const deadline = setTimeout(() => {
    socket.destroy(new Error(`No complete response within ${timeout} ms`));
  }, timeout);
  try {
    const send = request.httpVersion === 2 ? sendHttp2 : sendHttp1;
    const response = await send(request, socket);
    return { ...response, json: () => JSON.parse(response.body) as unknown, tls: state() };
  } finally {
    clearTimeout(deadline);
    socket.destroy();
  }
}
