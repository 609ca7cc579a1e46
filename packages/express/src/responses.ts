import type { HttpRejection, ProtectedResource } from "@certbound/core";
import type { Request, Response } from "express";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";

/** A request of a Node server; Express and connect add members to it. */
export type Incoming = IncomingMessage | Http2ServerRequest;

/** The response to such a request. */
export type Outgoing = ServerResponse | Http2ServerResponse;

/** Serves this API's metadata (RFC 9728 section 3); returns false if the request is for another path. */
export function sendMetadata(resource: ProtectedResource | undefined, incoming: Incoming, outgoing: Outgoing): boolean {
  // Express and connect remove the path of a mounted handler from `url`. A request of Node does not have `originalUrl`.
  const originalUrl = Object.hasOwn(incoming, "originalUrl") ? (incoming as Request).originalUrl : incoming.url;
  if (!resource?.matches(incoming.method, originalUrl)) return false;
  sendJson(incoming, outgoing, resource.metadata());
  return true;
}

/** Responds to a rejected request; the default of the option `respond`. */
export function sendRejection({ status, headers, body }: HttpRejection, incoming: Incoming, outgoing: Outgoing): void {
  outgoing.statusCode = status;
  // Object.entries ignores inherited members.
  for (const [name, value] of Object.entries(headers)) outgoing.setHeader(name, value);
  sendJson(incoming, outgoing, body);
}

/** Sends a JSON body: with Express's `json()`, which applies the application's settings, or else with Node's methods. */
function sendJson({ method }: Incoming, outgoing: Outgoing, body: object): void {
  const response = outgoing as Response;
  if (typeof response.json === "function") return void response.json(body);
  response.setHeader("Content-Type", "application/json; charset=utf-8");
  // A server with `rejectNonStandardBodyWrites` throws if a response to HEAD has a body.
  response.end(method === "HEAD" ? undefined : JSON.stringify(body));
}
