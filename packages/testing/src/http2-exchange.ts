import { connect } from "node:http2";
import type { ClientHttp2Session, OutgoingHttpHeaders } from "node:http2";
import { text } from "node:stream/consumers";
import type { TLSSocket } from "node:tls";
import type { HttpResponse } from "./http1-exchange.ts";
import type { MtlsRequest } from "./mtls-request-options.ts";

/**
 * Sends the request as HTTP/2 and reads the response.
 *
 * node:http2 refuses to repeat a field that may occur once only, such as Authorization.
 */
export async function exchangeHttp2(request: MtlsRequest, socket: TLSSocket): Promise<HttpResponse> {
  const session = await openSession(request.url, socket);
  return new Promise((resolve, reject) => {
    const stream = session.request(headersOf(request));
    const unanswered = () => reject(new Error("The server closed the stream without a response"));
    stream.on("error", reject);
    stream.once("close", unanswered);
    stream.once("response", (headers) => {
      stream.off("close", unanswered);
      const { ":status": status = 0, ...fields } = headers;
      text(stream).then((body) => resolve({ status, headers: fields, body }), reject);
    });
    stream.end(request.body);
  });
}

/** Waits for the handshake, because a stream that is opened before would hide why it failed. */
function openSession(url: URL, socket: TLSSocket): Promise<ClientHttp2Session> {
  return new Promise((resolve, reject) => {
    const session = connect(url, { createConnection: () => socket });
    // errors after the handshake reach the stream as well
    session.on("error", reject);
    session.once("connect", () => {
      if (socket.alpnProtocol === "h2") resolve(session);
      else reject(new Error("The server does not speak HTTP/2"));
    });
  });
}

function headersOf({ url, method, fields }: MtlsRequest): OutgoingHttpHeaders {
  const values = new Map<string, string[]>();
  for (const [name, value] of fields) {
    const key = name.toLowerCase();
    values.set(key, [...(values.get(key) ?? []), value]);
  }
  return {
    ":method": method,
    ":path": `${url.pathname}${url.search}`,
    ...Object.fromEntries(values),
  };
}
