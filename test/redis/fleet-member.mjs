// A process of the fleet: verifies the tokens that its parent sends, until the parent disconnects.
import { AccessTokenError, createVerifier } from "@certbound/core";
import KeyvRedis from "@keyv/redis";
import { Keyv } from "keyv";
import { subscribe } from "node:diagnostics_channel";
import { createIntrospectionCache } from "./introspection-cache.js";

const [, , settings = ""] = process.argv;
/** @type {import("./fleet-member.ts").MemberSettings} */
const { path, construction, timerScale, options } = JSON.parse(settings);
const { setTimeout: startTimer } = globalThis;
globalThis.setTimeout = /** @type {typeof setTimeout} */ (
  (/** @type {() => void} */ callback, delay = 0) => startTimer(callback, delay * timerScale)
);
const redis = { socket: { path } };
const cache =
  construction === "recommended" ? createIntrospectionCache(redis, () => {}) : new Keyv(new KeyvRedis(redis));

// The verifier uses this clock for the age of a response and for the time since Redis failed.
const elapsed = performance.now.bind(performance);
let offset = 0;
performance.now = () => elapsed() + offset;

const verifier = createVerifier({ ...options, introspection: { ...options.introspection, cache } });
subscribe("certbound:introspection", (event) => report({ event }));

/** @param {object} message */
function report(message) {
  process.send?.(message);
}

/** @param {{ id: number, token: string, thumbprint: string }} request */
async function verify({ id, token, thumbprint }) {
  const started = elapsed();
  const outcome = await verifier.verify(token, { clientCertificate: { thumbprint } }).then(
    () => "accepted",
    (/** @type {unknown} */ error) => (error instanceof AccessTokenError ? error.code : String(error)),
  );
  report({ id, outcome, duration: elapsed() - started });
}

process.on("message", (request) => {
  const { id, pass, connect } = request;
  if (pass !== undefined) offset += pass;
  else if (connect) void cache.get("nothing").then(() => report({ id }));
  else void verify(request);
});
process.on("disconnect", () => process.exit());
