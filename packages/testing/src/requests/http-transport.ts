import type { IncomingHttpHeaders } from "node:http";
import { connect } from "node:http2";
import type { ClientHttp2Session, OutgoingHttpHeaders } from "node:http2";
import { request as httpsRequest } from "node:https";
import { text } from "node:stream/consumers";
import type { TLSSocket } from "node:tls";
import type { MtlsRequest } from "./mtls-request-options.ts";

/** An HTTP response. */
interface HttpResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Sends the request over HTTP/1.1, with each header field on a separate line, and reads the response. */
export function sendHttp1(request: MtlsRequest, socket: TLSSocket): Promise<HttpResponse> {
  const { url, method, body } = request;
  return new Promise((resolve, reject) => {
    const headers = headerLines(request);
    const message = httpsRequest(url, { method, headers, createConnection: () => socket });
    message.on("error", reject);
    message.on("response", (response) => {
      const { statusCode: status = 0 } = response;
      text(response).then((content) => {
        resolve({ status, headers: response.headers, body: content });
      }, reject);
    });
    message.end(body);
  });
}

/** Returns a flat list of header fields, which node:http sends unchanged. It joins or drops repeated fields of an object. */
function headerLines({ url, method, fields, body = "" }: MtlsRequest): string[] {
  const names = new Set(fields.map(([name]) => name.toLowerCase()));
  const missing: [string, string][] = [];
  if (!names.has("host")) missing.push(["host", url.host]);
  // Without a length, node:http sends an empty POST body as chunks, which servers treat as content without a type.
  if ((body !== "" || method !== "GET") && !names.has("content-length")) {
    missing.push(["content-length", String(Buffer.byteLength(body))]);
  }
  return [...missing, ...fields].flat();
}

/**
 * Sends the request over HTTP/2 and reads the response.
 *
 * Cannot repeat a singleton field such as Authorization, because node:http2 does not support it.
 */
export async function sendHttp2(request: MtlsRequest, socket: TLSSocket): Promise<HttpResponse> {
  const session = await openSession(request.url, socket);
  return new Promise((resolve, reject) => {
    const stream = session.request(headersOf(request));
    const onClose = () => reject(new Error("The server closed the stream without a response"));
    stream.on("error", reject);
    stream.once("close", onClose);
    stream.once("response", (headers) => {
      stream.off("close", onClose);
      const { ":status": status = 0, ...fields } = headers;
      text(stream).then((body) => resolve({ status, headers: fields, body }), reject);
    });
    stream.end(request.body);
  });
}

/** Waits for the handshake. A stream that is opened earlier would hide the cause of a failed handshake. */
function openSession(url: URL, socket: TLSSocket): Promise<ClientHttp2Session> {
  return new Promise((resolve, reject) => {
    const session = connect(url, { createConnection: () => socket });
    // Errors after the handshake are also emitted by the stream.
    session.on("error", reject);
    session.once("connect", () => {
      if (socket.alpnProtocol === "h2") resolve(session);
      else reject(new Error("The server does not support HTTP/2"));
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
