import type { IncomingHttpHeaders } from "node:http";
import { connect } from "node:http2";
import type { ClientHttp2Session, OutgoingHttpHeaders } from "node:http2";
import { request as httpsRequest } from "node:https";
import { text } from "node:stream/consumers";
import type { TLSSocket } from "node:tls";
import type { MtlsRequest } from "./mtls-request-options.ts";

/** Holds what an HTTP response consists of. */
interface HttpResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Sends the request as HTTP/1.1, each header field on its own line, and reads the response. */
export function exchangeHttp1(request: MtlsRequest, socket: TLSSocket): Promise<HttpResponse> {
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

/** node:http sends a flat list as it is, whereas it joins or drops the repeated fields of an object. */
function headerLines({ url, method, fields, body = "" }: MtlsRequest): string[] {
  const names = new Set(fields.map(([name]) => name.toLowerCase()));
  const missing: [string, string][] = [];
  if (!names.has("host")) missing.push(["host", url.host]);
  // Without a length, node:http sends an empty body of a POST in chunks, which servers take for content of no type.
  if ((body !== "" || method !== "GET") && !names.has("content-length")) {
    missing.push(["content-length", String(Buffer.byteLength(body))]);
  }
  return [...missing, ...fields].flat();
}

/**
 * Sends the request as HTTP/2 and reads the response.
 *
 * node:http2 does not repeat a field that may occur once only, such as Authorization.
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
