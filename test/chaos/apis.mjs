import { AccessTokenError, createAuthenticator, createVerifier, httpRejection } from "@certbound/core";
import { protectApi as protectExpress } from "@certbound/express";
import { protectApi as protectFastify } from "@certbound/fastify";
import { startServer } from "@certbound/testing";
import express from "express";
import fastify from "fastify";
import { createSecureServer } from "node:http2";
import { createServer } from "node:https";
import { json } from "node:stream/consumers";

/**
 * @typedef {import("./api-process.ts").Setup} Setup
 * @typedef {import("./api-process.ts").Callback} Callback
 * @typedef {import("./api-process.ts").ApiName} ApiName
 * @typedef {import("@certbound/core").Verifier} Verifier
 * @typedef {{ verifier: Verifier, certificateResolver?: () => Promise<any>, tokenResolver?: () => Promise<any> }} Options
 * @typedef {{ options: Options, authorize?: () => Promise<boolean>, handle?: (claims: any, body: any) => unknown }} Route
 * @typedef {Record<string, Route>} Routes by path
 * @typedef {{ onServer: (api: ApiName, server: any) => void, onWaiting: (waiting: { api: ApiName, callback: Callback }) => void }} Listeners
 */

/** The callbacks for which there are routes. @type {Callback[]} */
const callbacks = ["certificateResolver", "tokenResolver", "authorize"];

/** @type {Record<ApiName, (routes: Routes, tls: object) => Promise<{ server: any }>>} */
const frameworks = {
  "node:https": async (routes, tls) => ({ server: createServer(tls, listener(routes)) }),
  "node:http2": async (routes, tls) => ({ server: createSecureServer(tls, listener(routes)) }),
  Express: async (routes, tls) => ({ server: createServer(tls, expressApp(routes)) }),
  Fastify: fastifyApp,
};

/**
 * Starts the same API on four servers.
 *
 * @param {Setup} setup
 * @param {Listeners} listeners
 */
export async function startApis({ tls, trust, jwksUris }, { onServer, onWaiting }) {
  const started = /** @type {ApiName[]} */ (Object.keys(frameworks)).map(async (api) => {
    const start = trust.now;
    let now = start;
    /** @type {Record<string, () => void>} */
    const settle = {};
    const routes = routesOf({
      verifiers: {
        fixed: createVerifier({ ...trust.options, clock: () => start }),
        timed: createVerifier({ ...trust.options, clock: () => now }),
        remote: createVerifier({ ...trust.options, jwks: jwksUris[api], clock: () => start }),
      },
      waitFor: (callback) => {
        const settled = new Promise((resolve) => (settle[callback] = () => resolve(undefined)));
        return async () => {
          onWaiting({ api, callback });
          await settled;
        };
      },
    });
    const { server } = await frameworks[api](routes, tls);
    // Keeps the connections of well-behaved clients open while those clients wait for other responses.
    server.keepAliveTimeout = 0;
    onServer(api, server);
    const { url } = await startServer(server);
    return [
      api,
      {
        url,
        setClock: (/** @type {number} */ time) => void (now = time),
        settle: (/** @type {Callback} */ callback) => settle[callback]?.(),
      },
    ];
  });
  return Object.fromEntries(await Promise.all(started));
}

/**
 * @param {{ verifiers: Record<"fixed" | "timed" | "remote", Verifier>, waitFor: (callback: Callback) => () => Promise<void> }} parts
 * @returns {Routes}
 */
function routesOf({ verifiers: { fixed, timed, remote }, waitFor }) {
  const options = { verifier: fixed };
  const routes = callbacks.flatMap((callback) => [
    [`/never/${callback}`, routeThatAwaits(callback, options, () => new Promise(() => {}))],
    [`/slow/${callback}`, routeThatAwaits(callback, options, waitFor(callback))],
  ]);
  return {
    "/": { options },
    "/timed": { options: { verifier: timed } },
    "/remote": { options: { verifier: remote } },
    "/throws": {
      options,
      handle: () => {
        throw new Error("a handler threw");
      },
    },
    "/rejects": { options, handle: () => Promise.reject(new Error("a handler rejected")) },
    "/body": { options, handle: (_claims, body) => ({ length: body.text.length }) },
    ...Object.fromEntries(routes),
  };
}

/**
 * Returns a route whose callback waits. Afterwards a resolver returns null, and `authorize` returns true.
 *
 * @param {Callback} callback
 * @param {Options} options
 * @param {() => Promise<void>} wait
 * @returns {Route}
 */
function routeThatAwaits(callback, options, wait) {
  if (callback === "authorize") return { options, authorize: () => wait().then(() => true) };
  return { options: { ...options, [callback]: () => wait().then(() => null) } };
}

/** @param {Route} route */
const toRequirements = ({ authorize }) => (authorize === undefined ? {} : { authorize });

/** @type {(claims: any) => unknown} */
const clientBody = (claims) => ({ client: claims.client_id });

/** Returns a listener that uses the core without a framework. @param {Routes} routes */
function listener(routes) {
  const table = new Map(
    Object.entries(routes).map(([path, route]) => {
      const authenticate = createAuthenticator(route.options)(toRequirements(route));
      return [path, { authenticate, handle: route.handle ?? clientBody }];
    }),
  );
  /** @type {(request: any, response: any) => Promise<void>} */
  const serve = async (request, response) => {
    /** @type {(status: number, body: unknown, headers?: object) => void} */
    const respond = (status, body, headers = {}) => {
      response.statusCode = status;
      for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
      response.end(JSON.stringify(body));
    };
    try {
      const matched = table.get(request.url);
      if (matched === undefined) return respond(404, {});
      const { authenticate, handle } = matched;
      const { claims } = await authenticate(request);
      respond(200, await handle(claims, request.method === "POST" ? await json(request) : undefined));
    } catch (error) {
      if (!(error instanceof AccessTokenError)) return respond(500, { message: "failure" });
      const { status, headers, body } = httpRejection(error);
      respond(status, body, headers);
    }
  };
  return (/** @type {any} */ request, /** @type {any} */ response) => void serve(request, response);
}

/** @param {Routes} routes */
function expressApp(routes) {
  const app = express();
  for (const [path, { handle = clientBody, ...route }] of Object.entries(routes)) {
    app.all(path, protectExpress(route.options)(toRequirements(route)), express.json(), (request, response) => {
      const result = handle(request.claims, request.body);
      if (!(result instanceof Promise)) return response.json(result);
      return result.then((body) => response.json(body));
    });
  }
  return app;
}

/** @param {Routes} routes @param {object} tls */
async function fastifyApp(routes, tls) {
  const app = fastify({ https: tls });
  for (const [url, { handle = clientBody, ...route }] of Object.entries(routes)) {
    app.route({
      url,
      method: ["GET", "POST"],
      onRequest: protectFastify(route.options)(toRequirements(route)),
      handler: (request, reply) => {
        const result = handle(request.claims, request.body);
        if (result instanceof Promise) return result;
        return reply.send(result);
      },
    });
  }
  await app.ready();
  return { server: app.server };
}
