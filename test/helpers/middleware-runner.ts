import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";

/** A request of node:http, node:https or node:http2, without anything that a framework adds. */
export type Incoming = IncomingMessage | Http2ServerRequest;

/** Its response. */
export type Outgoing = ServerResponse | Http2ServerResponse;

/** What connect, and what is like it, takes. */
export type Middleware = (request: Incoming, response: Outgoing, next: (error?: unknown) => void) => void;

/** Gives the listener of a server that runs middleware in order, until one of them passes an error to `next`. */
export function runMiddleware(
  middleware: readonly Middleware[],
  onError: (error: unknown, response: Outgoing) => void,
): (request: Incoming, response: Outgoing) => void {
  return (request, response) => {
    const run = (position: number): void => {
      middleware[position]?.(request, response, (error) => {
        // Any other value continues, as with connect.
        if (error) onError(error, response);
        else run(position + 1);
      });
    };
    run(0);
  };
}

/** Mounts middleware at a path as connect does: it cuts the path off `url`, and keeps the whole as `originalUrl`. */
export function mount(path: string, mounted: Middleware): Middleware {
  const prefix = path === "/" ? "" : path;
  return (request, response, next) => {
    const { url = "" } = request;
    const rest = url.slice(prefix.length);
    if (!url.startsWith(prefix) || !/^(?:[/?]|$)/.test(rest)) return next();
    Object.assign(request, { originalUrl: url, url: rest.startsWith("/") ? rest : `/${rest}` });
    mounted(request, response, (error) => {
      request.url = url;
      next(error);
    });
  };
}

/** Responds by the methods of Node: with a JSON body, except to HEAD. */
export function sendJson(response: Outgoing, status: number, body: object): void {
  response.statusCode = status;
  if (response.req.method === "HEAD") response.end();
  else response.end(JSON.stringify(body));
}
