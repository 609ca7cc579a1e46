import type { IncomingHttpHeaders } from "node:http";
import { exchangeHttp1, exchangeHttp2 } from "./http-exchange.ts";
import { parseMtlsRequest } from "./mtls-request-options.ts";
import type { MtlsRequestOptions } from "./mtls-request-options.ts";
import { openTlsConnection } from "./tls-connection.ts";
import type { TlsState } from "./tls-connection.ts";

/** Holds a response and what is known about the connection it came over. */
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
 * Sends one request over a TLS connection of its own, which is ended afterwards.
 *
 * The server's certificate must chain to `ca` and be valid for `localhost`, whatever the host of the
 * address; `NODE_TLS_REJECT_UNAUTHORIZED` does not change that. Rejects when there is no response within ten
 * seconds, and when the server rejects the certificate during the handshake; a rejection by status is a response.
 *
 * @throws TypeError for an address that is not https, an unknown option or an unknown version
 */
export async function mtlsRequest(url: string | URL, options: MtlsRequestOptions): Promise<MtlsResponse> {
  const request = parseMtlsRequest(url, options);
  const { socket, state } = openTlsConnection(request);
  const deadline = setTimeout(() => {
    socket.destroy(new Error(`No complete response within ${timeout} ms`));
  }, timeout);
  try {
    const exchange = request.httpVersion === 2 ? exchangeHttp2 : exchangeHttp1;
    const response = await exchange(request, socket);
    return { ...response, json: () => JSON.parse(response.body) as unknown, tls: state() };
  } finally {
    clearTimeout(deadline);
    socket.destroy();
  }
}
