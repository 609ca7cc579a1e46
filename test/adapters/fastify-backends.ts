import certbound, { protectApi } from "@certbound/fastify";
import { type RunningServer, startServer } from "@certbound/testing";
import Fastify, { type FastifyRequest } from "fastify";
import { type Backend, type ProtectedRoute, type ServerTls, summary, type Summary } from "./backend.ts";

/** The Fastify adapter: the plugin, the hook without the plugin, and the plugin on HTTP/2. */
export const fastifyBackends: readonly Backend[] = [
  { name: "Fastify, app.protect", httpVersion: 1, readsRequests: true, start: startPlugin },
  { name: "Fastify, protectApi", httpVersion: 1, readsRequests: true, start: startHook },
  { name: "Fastify, app.protect on HTTP/2", httpVersion: 2, readsRequests: true, start: startHttp2 },
];

async function startPlugin(routes: readonly ProtectedRoute[], tls: ServerTls): Promise<RunningServer> {
  const app = Fastify({ https: tls });
  for (const { path, options, requirements, onHandled } of routes) {
    app.register(async (child) => {
      await child.register(certbound, options);
      child.all(path, { onRequest: child.protect(requirements) }, handler(onHandled));
    });
  }
  await app.ready();
  return startServer(app.server);
}

async function startHook(routes: readonly ProtectedRoute[], tls: ServerTls): Promise<RunningServer> {
  const app = Fastify({ https: tls });
  for (const { path, options, requirements, onHandled } of routes) {
    app.all(path, { onRequest: protectApi(options)(requirements) }, handler(onHandled));
  }
  await app.ready();
  return startServer(app.server);
}

async function startHttp2(routes: readonly ProtectedRoute[], tls: ServerTls): Promise<RunningServer> {
  const app = Fastify({ http2: true, https: tls });
  for (const { path, options, requirements, onHandled } of routes) {
    app.register(async (child) => {
      await child.register(certbound, options);
      child.all(path, { onRequest: child.protect(requirements) }, handler(onHandled));
    });
  }
  await app.ready();
  return startServer(app.server);
}

function handler(onHandled: () => void): (request: unknown) => Promise<Summary> {
  return async (request) => {
    onHandled();
    // The request has the same members on every kind of server.
    const { accessToken, claims } = request as FastifyRequest;
    return { ...summary(accessToken), subject: claims.sub ?? null };
  };
}
