import type { ProtectedResource } from "@certbound/core";
import type { Request, Response } from "express";
import type { IncomingMessage, ServerResponse } from "node:http";

/** Creates what answers a request for this API's metadata (RFC 9728 section 3), and tells whether it did. */
export function metadataSender(
  protectedResource: ProtectedResource | undefined,
): (incoming: IncomingMessage, outgoing: ServerResponse) => boolean {
  return (incoming, outgoing) => {
    // Not `url`, of which Express cuts off where a handler is mounted.
    if (!protectedResource?.isAskedFor(incoming.method, (incoming as Request).originalUrl)) return false;
    (outgoing as Response).json(protectedResource.metadata());
    return true;
  };
}
