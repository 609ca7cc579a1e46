import { type AuthenticatedExpressRequest, protectApi } from "@certbound/express";
import { type RunningServer, startServer } from "@certbound/testing";
import Fastify from "fastify";
import { createSecureServer } from "node:http2";
import { createServer } from "node:https";
import { type Middleware, mount, runMiddleware, sendJson } from "../helpers/middleware-runner.ts";
import { type Backend, type ProtectedRoute, type ServerTls, summary } from "./backend.ts";

/** The Express adapter without Express, on the requests and responses of Node. */
export const middlewareBackends: readonly Backend[] = [
  {
    name: "Express adapter in middleware on node:https",
    httpVersion: 1,
    readsRequests: true,
    start: (routes, tls) => startServer(createServer(tls, listener(routes))),
  },
  {
    name: "Express adapter in middleware on node:http2",
    httpVersion: 2,
    readsRequests: true,
    start: (routes, tls) => startServer(createSecureServer(tls, listener(routes))),
  },
  { name: "Express adapter in middleware on Fastify", httpVersion: 1, readsRequests: true, start: startFastify },
];

function listener(routes: readonly ProtectedRoute[]): ReturnType<typeof runMiddleware> {
  const middleware = routes.flatMap((route) => [
    mount(route.path, protectApi(route.options)(route.requirements)),
    mount(route.path, handlerOf(route)),
  ]);
  return runMiddleware(middleware, (error, response) => sendJson(response, 500, { message: String(error) }));
}

/** Calls the adapter with the raw request and response, like `@fastify/middie` and Nest on Fastify. */
async function startFastify(routes: readonly ProtectedRoute[], tls: ServerTls): Promise<RunningServer> {
  const app = Fastify({ https: tls });
  for (const { path, options, requirements, onHandled } of routes) {
    const protect = protectApi(options)(requirements);
    app.all(path, { onRequest: ({ raw }, reply, next) => protect(raw, reply.raw, next) }, ({ raw }) => {
      onHandled();
      return summary((raw as AuthenticatedExpressRequest).accessToken);
    });
  }
  await app.ready();
  return startServer(app.server);
}

function handlerOf({ onHandled }: ProtectedRoute): Middleware {
  return (request, response) => {
    onHandled();
    const { accessToken, claims } = request as AuthenticatedExpressRequest;
    sendJson(response, 200, { ...summary(accessToken), subject: claims.sub ?? null });
  };
}
