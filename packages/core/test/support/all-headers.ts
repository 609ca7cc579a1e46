import { type RequestWithAllHeaders, withAllHeaders } from "../../src/http/header-list.ts";
import type { NodeRequest } from "../../src/http/incoming-request.ts";

/** A request whose header list is complete; any other fails the test. */
export function allHeadersOf(request: NodeRequest): RequestWithAllHeaders {
  const complete = withAllHeaders(request);
  if (typeof complete === "string") throw new Error(complete);
  return complete;
}
