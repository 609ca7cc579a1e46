// The API process of the soak test, run with --expose-gc. It receives its setup by IPC and responds with its URL. It responds
// to each further message with its heap size after garbage collection.

import { protectApi } from "@certbound/express";
import { startServer } from "@certbound/testing";
import express from "express";
import { createServer } from "node:https";

/** The size of the token cache: small, so that it is full soon and later growth is a leak. */
const VERIFIED_TOKENS = 500;

/** @typedef {{ tls: import("node:https").ServerOptions, trust: { issuer: string, audience: string, jwks: import("@certbound/core").JsonWebKeySet } }} Setup */

/** @param {Setup} setup */
async function start({ tls, trust }) {
  const protect = protectApi({ ...trust, verifiedTokens: VERIFIED_TOKENS });
  const app = express();
  app.get("/", protect(), (request, response) => {
    response.json({ client: request.claims.client_id });
  });
  process.send?.((await startServer(createServer(tls, app))).url);
}

function heap() {
  for (let round = 0; round < 4; round += 1) globalThis.gc?.();
  process.send?.(process.memoryUsage().heapUsed);
}

process.once("message", (/** @type {Setup} */ setup) => {
  process.on("message", heap);
  void start(setup);
});
// Exits when the parent process is gone.
process.on("disconnect", () => process.exit());
