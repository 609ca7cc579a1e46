import type { NodeRequest } from "../../src/http/incoming-request.ts";

/** A request with these Authorization headers, as it comes over a connection without TLS. */
export function requestWith(...authorization: readonly string[]): NodeRequest {
  const rawHeaders = ["Host", "api.example", ...authorization.flatMap((value) => ["Authorization", value])];
  return { rawHeaders, socket: {} };
}
