// One process of a fleet: verifies the tokens that its parent sends, until that lets go of it.
import { AccessTokenError, createVerifier } from "@certbound/core";
import KeyvRedis from "@keyv/redis";
import { Keyv } from "keyv";
import { subscribe } from "node:diagnostics_channel";
import { createIntrospectionCache } from "./introspection-cache.js";

const [, , settings = ""] = process.argv;
/** @type {import("./fleet-member.ts").MemberSettings} */
const { path, construction, options } = JSON.parse(settings);
const redis = { socket: { path } };
const cache =
  construction === "recommended" ? createIntrospectionCache(redis, () => {}) : new Keyv(new KeyvRedis(redis));

// The verifier measures by this clock how old an answer is, and how long it has left Redis alone.
const elapsed = performance.now.bind(performance);
let ahead = 0;
performance.now = () => elapsed() + ahead;

const verifier = createVerifier({ ...options, introspection: { ...options.introspection, cache } });
subscribe("certbound:introspection", (event) => tell({ event }));

/** @param {object} message */
function tell(message) {
  process.send?.(message);
}

/** @param {{ id: number, token: string, thumbprint: string }} request */
async function verify({ id, token, thumbprint }) {
  const started = elapsed();
  const outcome = await verifier.verify(token, { clientCertificate: { thumbprint } }).then(
    () => "accepted",
    (/** @type {unknown} */ error) => (error instanceof AccessTokenError ? error.code : String(error)),
  );
  tell({ id, outcome, duration: elapsed() - started });
}

process.on("message", (request) => {
  const { id, pass, connect } = request;
  if (pass !== undefined) ahead += pass;
  else if (connect) void cache.get("nothing").then(() => tell({ id }));
  else void verify(request);
});
process.on("disconnect", () => process.exit());
