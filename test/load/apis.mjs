import { protectApi } from "@certbound/express";
import certbound from "@certbound/fastify";
import { startServer } from "@certbound/testing";
import express from "express";
import fastify from "fastify";
import { createServer } from "node:https";
import { IssuerLink } from "./issuer-link.mjs";

/**
 * @typedef {import("./issuer.mjs").Issuer} Issuer
 * @typedef {import("node:https").ServerOptions} Tls
 * @typedef {{ issuer: string, audience: string, fetch: typeof globalThis.fetch }} Trust
 * @typedef {import("@certbound/testing").RunningServer & { name: string, ready: () => Promise<void> }} StartedApi
 * @typedef {StartedApi & { link: IssuerLink }} Api
 */

/** A header with the error code of a rejection, for the assertions. A real API should not send it. */
export const CODE_HEADER = "x-code";

/**
 * Starts the same API on Express and on Fastify: one route, which returns the client ID.
 *
 * @param {Tls} tls
 * @param {{ issuer: Issuer, audience: string }} trust
 * @returns {Promise<Api[]>}
 */
export async function startApis(tls, { issuer, audience }) {
  return Promise.all(
    [startExpressApi, startFastifyApi].map(async (start) => {
      const link = new IssuerLink(issuer);
      return { link, ...(await start(tls, { issuer: issuer.url, audience, fetch: link.fetch })) };
    }),
  );
}

/** @param {Tls} tls @param {Trust} trust @returns {Promise<StartedApi>} */
async function startExpressApi(tls, trust) {
  const codes = new WeakMap();
  const protect = protectApi({
    ...trust,
    onRejected: (error, request) => codes.set(request, error.code),
    respond: ({ status, headers, body }, request, response) =>
      response.status(status).set(headers).set(CODE_HEADER, codes.get(request)).json(body),
  });
  const app = express();
  app.get("/", protect(), (request, response) => {
    response.json({ client: request.claims.client_id });
  });
  return { name: "Express", ready: protect.verifier.ready, ...(await startServer(createServer(tls, app))) };
}

/** @param {Tls} tls @param {Trust} trust @returns {Promise<StartedApi>} */
async function startFastifyApi(tls, trust) {
  const codes = new WeakMap();
  const app = fastify({ https: tls });
  await app.register(certbound, {
    ...trust,
    onRejected: (error, request) => codes.set(request, error.code),
    respond: ({ status, headers, body }, request, reply) =>
      reply.code(status).headers(headers).header(CODE_HEADER, codes.get(request)).send(body),
  });
  app.get("/", { onRequest: app.protect() }, (request) => ({ client: request.claims.client_id }));
  await app.ready();
  return { name: "Fastify", ready: app.protect.verifier.ready, ...(await startServer(app.server)) };
}
