import assert from "node:assert/strict";
import { evaluateBinding } from "../../../packages/core/dist/binding.js";
import { checkClaims, checkIntrospection, recheckClaims, timesOf } from "../../../packages/core/dist/token/claims.js";
import { parseClientCertificate } from "../../../packages/core/dist/certificate/client-certificate.js";
import { parseJsonObject } from "../../../packages/core/dist/token/compact-jws.js";
import { parseVerifierOptions } from "../../../packages/core/dist/options/verifier-options.js";
import { outcomeOf } from "../outcome.mjs";

/** @typedef {Readonly<Record<string, unknown>>} Claims */

const issuer = "https://as.example";
const now = 2_000_000_000;
const thumbprint = "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0";
const certificate = parseClientCertificate({ thumbprint });
if (certificate === undefined) throw new Error("the thumbprint was not accepted");

const configuration = parseVerifierOptions({
  issuer,
  audience: ["https://api.example", "api"],
  algorithms: ["ES256"],
  maxTokenAge: 600,
  clock: () => now * 1000,
});
const [configured] = configuration.issuers;
if (configured === undefined) throw new Error("the configuration has no issuer");

/**
 * Claims of a token and of an introspection response, and the binding: accepts the claims if and only if they meet every
 * condition, as implemented here a second time.
 *
 * The input is the JSON of the claims. The member `typ` is used as the type in the token's header.
 *
 * @param {Buffer} data
 */
export function fuzz(data) {
  /** @type {Claims | undefined} */
  let claims;
  const shape = outcomeOf(() => {
    claims = parseJsonObject(data, "payload");
  });
  if (claims === undefined) return assert.equal(shape, "ERR_TOKEN_MALFORMED");
  checkToken(claims);
  checkResponse(claims);
  checkBinding(claims);
}

/** @param {Claims} claims */
function checkToken(claims) {
  const { typ: type, ...members } = membersOf(claims);
  for (const bindingRequired of [true, false]) {
    const header = { algorithm: "ES256", type };
    const rules = { configuration, issuer: configured, bindingRequired };
    const outcome = outcomeOf(() => checkClaims(header, claims, rules));
    /** @type {readonly (readonly [string, boolean])[]} */
    const conditions = [
      ["ERR_TOKEN_TYPE", isAccepted(type, members, bindingRequired)],
      ["ERR_TOKEN_AUDIENCE", isForApi(members["aud"])],
      ["ERR_TOKEN_CLAIM", isWellFormed(members) && "exp" in members && "iat" in members],
      ["ERR_TOKEN_EXPIRED", isFresh(members)],
      ["ERR_TOKEN_NOT_YET_VALID", isValidYet(members)],
    ];
    assertOutcome(outcome, conditions);
    if (outcome === "accepted") recheckClaims({ header, claims, times: timesOf(claims) }, rules);
  }
}

/** @param {Claims} claims */
function checkResponse(claims) {
  const members = membersOf(claims);
  const outcome = outcomeOf(() =>
    checkIntrospection(claims, { configuration, issuer: /** @type {never} */ (configured), claims: undefined }),
  );
  const tokenType = members["token_type"];
  const isType =
    !("token_type" in members) ||
    (typeof tokenType === "string" && /^(?:bearer|access_token|mtls_pop)$/i.test(tokenType));
  assertOutcome(outcome, [
    ["ERR_TOKEN_TYPE", isType],
    ["ERR_TOKEN_ISSUER", !("iss" in members) || members["iss"] === issuer],
    ["ERR_TOKEN_AUDIENCE", isForApi(members["aud"])],
    ["ERR_TOKEN_CLAIM", isWellFormed(members) && "iat" in members],
    ["ERR_TOKEN_EXPIRED", isFresh(members)],
    ["ERR_TOKEN_NOT_YET_VALID", isValidYet(members)],
  ]);
}

/** @param {Claims} claims */
function checkBinding(claims) {
  const { cnf } = membersOf(claims);
  const confirmation = isObject(cnf) ? membersOf(cnf) : {};
  const isBound = confirmation["x5t#S256"] === thumbprint && !("jkt" in confirmation);
  const outcomeWith = (/** @type {import("@certbound/core").BindingMode} */ mode) =>
    outcomeOf(() => evaluateBinding([claims], /** @type {never} */ (certificate), mode));
  const outcome = outcomeWith(true);
  assert.equal(outcome === "accepted", isBound);
  assert.match(outcome, /^(?:accepted|ERR_BINDING_(?:REQUIRED|MALFORMED|UNSUPPORTED|MISMATCH))$/);
  assert.equal(outcomeWith("when-bound"), Object.hasOwn(claims, "cnf") ? outcome : "accepted");
  assert.equal(outcomeWith("report-only"), "accepted");
}

/**
 * Asserts that "accepted" means that every condition holds, and that a rejection names a condition that does not hold.
 *
 * @param {string} outcome
 * @param {readonly (readonly [string, boolean])[]} conditions
 */
function assertOutcome(outcome, conditions) {
  const broken = conditions.filter(([, holds]) => !holds).map(([code]) => code);
  if (broken.length === 0) assert.equal(outcome, "accepted");
  else assert.ok(broken.includes(outcome), `${outcome} is none of ${broken.join(", ")}`);
}

/**
 * @param {unknown} type
 * @param {Claims} members
 * @param {boolean} bindingRequired
 */
function isAccepted(type, members, bindingRequired) {
  if (typeof type === "string" && /^(?:application\/)?at\+jwt$/i.test(type)) return true;
  const isGeneric = type === undefined || (typeof type === "string" && /^(?:application\/)?jwt$/i.test(type));
  return bindingRequired && isGeneric && !["at_hash", "c_hash", "events"].some((name) => name in members);
}

/** @param {unknown} audience */
function isForApi(audience) {
  const list = typeof audience === "string" ? [audience] : audience;
  return isStringArray(list) && list.some((item) => item === "https://api.example" || item === "api");
}

/** @param {Claims} members */
function isWellFormed(members) {
  const isTime = (/** @type {string} */ name) =>
    !(name in members) ||
    (typeof members[name] === "number" && Math.abs(members[name]) <= Date.UTC(9999, 11, 31, 23, 59, 59) / 1000);
  const isString = (/** @type {string} */ name) => !(name in members) || typeof members[name] === "string";
  const isStringOrStrings = (/** @type {string} */ name) => isString(name) || isStringArray(members[name]);
  return (
    ["exp", "nbf", "iat"].every(isTime) &&
    ["sub", "client_id", "jti"].every(isString) &&
    ["aud", "scope"].every(isStringOrStrings)
  );
}

/** @param {Claims} members */
function isFresh({ exp, iat }) {
  return (typeof exp !== "number" || now < exp + 5) && (typeof iat !== "number" || now < iat + 605);
}

/** @param {Claims} members */
function isValidYet({ nbf, iat }) {
  return [nbf, iat].every((time) => typeof time !== "number" || now >= time - 5);
}

/**
 * @param {unknown} value
 * @returns {value is readonly string[]}
 */
function isStringArray(value) {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

/**
 * @param {unknown} value
 * @returns {value is Claims}
 */
function isObject(value) {
  return Object.prototype.toString.call(value) === "[object Object]";
}

/**
 * Returns a copy without a prototype, so that `in` and member access find only members of the JSON.
 *
 * @param {Claims} claims
 * @returns {Claims}
 */
function membersOf(claims) {
  return Object.setPrototypeOf(Object.fromEntries(Object.entries(claims)), null);
}
