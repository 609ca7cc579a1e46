// A server process with one framework and one check: node server.mjs FRAMEWORK CHECK. Receives its setup by IPC.

import { createServer } from "node:https";
import { createAuthenticator } from "@certbound/core";
import { protectApi as protectExpress } from "@certbound/express";
import { protectApi as protectFastify } from "@certbound/fastify";
import express from "express";
import { auth } from "express-oauth2-jwt-bearer";
import Fastify from "fastify";
import { createLocalJWKSet, jwtVerify } from "jose";

/**
 * @typedef {object} Setup
 * @property {{ cert: string, key: string }} tls
 * @property {string} issuer
 * @property {string} audience
 * @property {string} jwksUri
 * @property {{ keys: import("jose").JWK[] }} jwks
 */

const [framework = "", check = ""] = process.argv.slice(2);

/** @param {Setup} setup */
function byHand({ issuer, audience, jwks }) {
  const keys = createLocalJWKSet(jwks);
  return async (/** @type {import("node:http").IncomingMessage} */ request) => {
    const token = request.headers.authorization?.slice("Bearer ".length) ?? "";
    const { payload } = await jwtVerify(token, keys, { issuer, audience, typ: "at+jwt" });
    const socket = /** @type {import("node:tls").TLSSocket} */ (request.socket);
    const { fingerprint256 } = socket.getPeerCertificate();
    const thumbprint = Buffer.from(fingerprint256.replaceAll(":", ""), "hex").toString("base64url");
    const confirmation = /** @type {{ "x5t#S256"?: string } | undefined} */ (payload["cnf"]);
    if (confirmation?.["x5t#S256"] !== thumbprint) throw new Error("another certificate");
  };
}

/** @param {Setup} setup @returns {import("node:https").Server | Promise<import("node:https").Server>} */
function plain(setup) {
  const { tls, issuer, audience, jwks } = setup;
  const options = { ...tls, requestCert: true, rejectUnauthorized: false };
  /** @type {Record<string, (request: import("node:http").IncomingMessage) => Promise<unknown> | undefined>} */
  const checks = {
    none: () => undefined,
    certbound: createAuthenticator({ issuer, audience, jwks })(),
    "certbound, nothing cached": createAuthenticator({ issuer, audience, jwks, verifiedTokens: false })(),
    "by hand": byHand(setup),
  };
  const verify = checks[check];
  if (verify === undefined) throw new Error(`unknown check ${check}`);
  return createServer(options, (request, response) => {
    const result = verify(request);
    if (result === undefined) response.end('{"ok":true}');
    else {
      result.then(
        () => response.end('{"ok":true}'),
        () => response.writeHead(401).end(),
      );
    }
  });
}

/** @param {Setup} setup */
function onExpress(setup) {
  const { tls, issuer, audience, jwks, jwksUri } = setup;
  const app = express();
  const tokenSigningAlg = jwks.keys[0]?.alg ?? "";
  const verify = byHand(setup);
  /** @type {Record<string, () => import("express").RequestHandler>} */
  const checks = {
    none: () => (_request, _response, next) => next(),
    certbound: () => protectExpress({ issuer, audience, jwks })(),
    "by hand": () => (request, response, next) =>
      void verify(request).then(
        () => next(),
        () => response.sendStatus(401),
      ),
    "express-oauth2-jwt-bearer": () =>
      auth({
        issuer,
        audience,
        jwksUri,
        tokenSigningAlg,
        mtls: { enabled: true, required: true },
        getCertificate: ({ socket }) => /** @type {import("node:tls").TLSSocket} */ (socket).getPeerCertificate().raw,
      }),
  };
  const handler = checks[check];
  if (handler === undefined) throw new Error(`unknown check ${check}`);
  app.get("/", handler(), (_request, response) => void response.json({ ok: true }));
  return createServer({ ...tls, requestCert: true, rejectUnauthorized: false }, app);
}

/** @param {Setup} setup */
async function onFastify({ tls, issuer, audience, jwks }) {
  const app = Fastify({ https: { ...tls, requestCert: true, rejectUnauthorized: false } });
  const handler = async () => ({ ok: true });
  if (check === "none") app.get("/", handler);
  else app.get("/", { onRequest: protectFastify({ issuer, audience, jwks })() }, handler);
  await app.ready();
  return app.server;
}

const frameworks = { "node:http": plain, express: onExpress, fastify: onFastify };

process.on("message", (/** @type {Setup | "usage"} */ message) => {
  if (message === "usage") process.send?.(process.cpuUsage());
  else void start(message);
});

/** @param {Setup} setup */
async function start(setup) {
  const server = await frameworks[/** @type {keyof typeof frameworks} */ (framework)](setup);
  server.listen(0, "127.0.0.1", () => {
    process.send?.(/** @type {import("node:net").AddressInfo} */ (server.address()).port);
  });
}

// Exits when the parent process is gone.
process.on("disconnect", () => process.exit(0));
