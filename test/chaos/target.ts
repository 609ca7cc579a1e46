import type { ApiName } from "./api-process.ts";
import { getFields, headersFrame, preface } from "./http2-frames.ts";
import type { RawTls } from "./raw-connection.ts";
import type { Stage } from "./stage.ts";

/** Returns the connection options of the client for an API. */
export function targetOf({ parties, process }: Stage, api: ApiName): RawTls {
  return {
    url: process.urls[api],
    ca: parties.ca.certificate,
    identity: parties.client,
    protocol: api === "node:http2" ? "h2" : "http/1.1",
  };
}

/** Returns the bytes of a complete request. */
export function wholeRequest(
  { protocol }: Pick<RawTls, "protocol">,
  { path, token }: { readonly path: string; readonly token: string },
): string | Uint8Array {
  if (protocol === "h2") return Buffer.concat([preface, headersFrame(getFields(token, path), { endHeaders: true })]);
  return `GET ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n\r\n`;
}
