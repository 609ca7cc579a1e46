import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";

/** A request of node:http, node:https or node:http2, without the additions of a framework. */
export type Incoming = IncomingMessage | Http2ServerRequest;

/** The response to {@link Incoming}. */
export type Outgoing = ServerResponse | Http2ServerResponse;

/** Middleware for connect and similar frameworks. */
export type Middleware = (request: Incoming, response: Outgoing, next: (error?: unknown) => void) => void;

/** Returns a request listener that runs middleware in order, until one of them passes an error to `next`. */
export function runMiddleware(
  middleware: readonly Middleware[],
  onError: (error: unknown, response: Outgoing) => void,
): (request: Incoming, response: Outgoing) => void {
  return (request, response) => {
    const run = (position: number): void => {
      middleware[position]?.(request, response, (error) => {
        // Like connect, continues for any falsy value.
        if (error) onError(error, response);
        else run(position + 1);
      });
    };
    run(0);
  };
}

/** Mounts middleware at a path as connect does: removes the path from `url`, and keeps the original as `originalUrl`. */
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

/** Sends a response with Node's methods. It has a JSON body, except for HEAD. */
export function sendJson(response: Outgoing, status: number, body: object): void {
  response.statusCode = status;
  if (response.req.method === "HEAD") response.end();
  else response.end(JSON.stringify(body));
}
