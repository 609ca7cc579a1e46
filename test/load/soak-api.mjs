// The API of the soak, in a process of its own, run with --expose-gc: told its set-up by IPC, it answers with its port, and
// to each further message with what is left on its heap after a collection.

import { protectApi } from "@certbound/express";
import { startServer } from "@certbound/testing";
import express from "express";
import { createServer } from "node:https";

/** How many tokens it caches: few, so that the memory is full soon, and what grows then is a leak. */
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
// An orphan ends.
process.on("disconnect", () => process.exit());
