import type { NodeRequest } from "../../src/http/incoming-request.ts";

/** Creates a request with these Authorization headers over a connection without TLS. */
export function requestWith(...authorization: readonly string[]): NodeRequest {
  const rawHeaders = ["Host", "api.example", ...authorization.flatMap((value) => ["Authorization", value])];
  return { rawHeaders, socket: {} };
}
