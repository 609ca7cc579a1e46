import type { HttpRejection, ProtectedResource } from "@certbound/core";
import type { Request, Response } from "express";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";

/** A request of a Node server; Express and connect add members to it. */
export type Incoming = IncomingMessage | Http2ServerRequest;

/** The response to such a request. */
export type Outgoing = ServerResponse | Http2ServerResponse;

/** Responds to a request for this API's metadata (RFC 9728 section 3), and returns whether it did. */
export function sendMetadata(of: ProtectedResource | undefined, incoming: Incoming, outgoing: Outgoing): boolean {
  // Express and connect cut the path off `url` where a handler is mounted; a request of Node has no `originalUrl`.
  const originalUrl = Object.hasOwn(incoming, "originalUrl") ? (incoming as Request).originalUrl : incoming.url;
  if (!of?.matches(incoming.method, originalUrl)) return false;
  sendJson(incoming, outgoing, of.metadata());
  return true;
}

/** Responds to a rejected request, unless the application gave its own `respond`. */
export function sendRejection({ status, headers, body }: HttpRejection, incoming: Incoming, outgoing: Outgoing): void {
  outgoing.statusCode = status;
  // Own members only: nothing that every object inherits.
  for (const [name, value] of Object.entries(headers)) outgoing.setHeader(name, value);
  sendJson(incoming, outgoing, body);
}

/** Sends a body with Express's `json()` and so the application's settings; without Express, with Node's own methods. */
function sendJson({ method }: Incoming, outgoing: Outgoing, body: object): void {
  const response = outgoing as Response;
  if (typeof response.json === "function") return void response.json(body);
  response.setHeader("Content-Type", "application/json; charset=utf-8");
  // A server with `rejectNonStandardBodyWrites` throws on the body of a response to HEAD.
  response.end(method === "HEAD" ? undefined : JSON.stringify(body));
}
