import { request as httpsRequest } from "node:https";
import type { IncomingHttpHeaders } from "node:http";
import { text } from "node:stream/consumers";
import type { TLSSocket } from "node:tls";
import type { MtlsRequest } from "./mtls-request-options.ts";

/** Holds what an HTTP response consists of. */
export interface HttpResponse {
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
