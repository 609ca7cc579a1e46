import { type RequestWithAllHeaders, checkHeaderList } from "../../src/http/header-list.ts";
import type { NodeRequest } from "../../src/http/incoming-request.ts";

/** Returns the request if its header list is complete, and throws otherwise. */
export function allHeadersOf(request: NodeRequest): RequestWithAllHeaders {
  const complete = checkHeaderList(request);
  if (typeof complete === "string") throw new Error(complete);
  return complete;
}
