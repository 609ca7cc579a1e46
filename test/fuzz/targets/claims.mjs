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
if (certificate === undefined) throw new Error("the thumbprint is that of a certificate");

const configuration = parseVerifierOptions({
  issuer,
  audience: ["https://api.example", "api"],
  algorithms: ["ES256"],
  maxTokenAge: 600,
  clock: () => now * 1000,
});
const [configured] = configuration.issuers;
if (configured === undefined) throw new Error("there is an issuer");

/**
 * Claims, of a token and of an introspection answer: accepted is exactly what meets every condition, written here once
 * more in other words; so is the binding.
 *
 * The input is the JSON of the claims; the one member that is not, `typ`, is taken from there too.
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
  checkAnswer(claims);
  checkBinding(claims);
}

/** @param {Claims} claims */
function checkToken(claims) {
  const { typ: type, ...own } = membersOf(claims);
  for (const bindingRequired of [true, false]) {
    const header = { algorithm: "ES256", type };
    const rules = { configuration, issuer: configured, bindingRequired };
    const outcome = outcomeOf(() => checkClaims(header, claims, rules));
    /** @type {readonly (readonly [string, boolean])[]} */
    const conditions = [
      ["ERR_TOKEN_TYPE", isAccepted(type, own, bindingRequired)],
      ["ERR_TOKEN_AUDIENCE", isForApi(own["aud"])],
      ["ERR_TOKEN_CLAIM", isWellFormed(own) && "exp" in own && "iat" in own],
      ["ERR_TOKEN_EXPIRED", isFresh(own)],
      ["ERR_TOKEN_NOT_YET_VALID", isValidYet(own)],
    ];
    assertExplained(outcome, conditions);
    if (outcome === "accepted") recheckClaims({ header, claims, times: timesOf(claims) }, rules);
  }
}

/** @param {Claims} claims */
function checkAnswer(claims) {
  const own = membersOf(claims);
  const outcome = outcomeOf(() =>
    checkIntrospection(claims, { configuration, issuer: /** @type {never} */ (configured), claims: undefined }),
  );
  const kind = own["token_type"];
  const isType =
    !("token_type" in own) || (typeof kind === "string" && /^(?:bearer|access_token|mtls_pop)$/i.test(kind));
  assertExplained(outcome, [
    ["ERR_TOKEN_TYPE", isType],
    ["ERR_TOKEN_ISSUER", !("iss" in own) || own["iss"] === issuer],
    ["ERR_TOKEN_AUDIENCE", isForApi(own["aud"])],
    ["ERR_TOKEN_CLAIM", isWellFormed(own) && "iat" in own],
    ["ERR_TOKEN_EXPIRED", isFresh(own)],
    ["ERR_TOKEN_NOT_YET_VALID", isValidYet(own)],
  ]);
}

/** @param {Claims} claims */
function checkBinding(claims) {
  const { cnf } = membersOf(claims);
  const confirmation = isObject(cnf) ? membersOf(cnf) : {};
  const isBound = confirmation["x5t#S256"] === thumbprint && !("jkt" in confirmation);
  const judge = (/** @type {import("@certbound/core").BindingMode} */ mode) =>
    outcomeOf(() => evaluateBinding([claims], /** @type {never} */ (certificate), mode));
  const outcome = judge(true);
  assert.equal(outcome === "accepted", isBound);
  assert.match(outcome, /^(?:accepted|ERR_BINDING_(?:REQUIRED|MALFORMED|UNSUPPORTED|MISMATCH))$/);
  assert.equal(judge("when-bound"), Object.hasOwn(claims, "cnf") ? outcome : "accepted");
  assert.equal(judge("report-only"), "accepted");
}

/**
 * Accepted means that every condition holds, and a rejection names one that does not.
 *
 * @param {string} outcome
 * @param {readonly (readonly [string, boolean])[]} conditions
 */
function assertExplained(outcome, conditions) {
  const broken = conditions.filter(([, holds]) => !holds).map(([code]) => code);
  if (broken.length === 0) assert.equal(outcome, "accepted");
  else assert.ok(broken.includes(outcome), `${outcome} is none of ${broken.join(", ")}`);
}

/**
 * @param {unknown} type
 * @param {Claims} own
 * @param {boolean} bindingRequired
 */
function isAccepted(type, own, bindingRequired) {
  if (typeof type === "string" && /^(?:application\/)?at\+jwt$/i.test(type)) return true;
  const isGeneric = type === undefined || (typeof type === "string" && /^(?:application\/)?jwt$/i.test(type));
  return bindingRequired && isGeneric && !["at_hash", "c_hash", "events"].some((name) => name in own);
}

/** @param {unknown} audience */
function isForApi(audience) {
  const list = typeof audience === "string" ? [audience] : audience;
  return isTexts(list) && list.some((item) => item === "https://api.example" || item === "api");
}

/** @param {Claims} own */
function isWellFormed(own) {
  const isTime = (/** @type {string} */ name) =>
    !(name in own) ||
    (typeof own[name] === "number" && Math.abs(own[name]) <= Date.UTC(9999, 11, 31, 23, 59, 59) / 1000);
  const isText = (/** @type {string} */ name) => !(name in own) || typeof own[name] === "string";
  const isTextOrTexts = (/** @type {string} */ name) => isText(name) || isTexts(own[name]);
  return (
    ["exp", "nbf", "iat"].every(isTime) &&
    ["sub", "client_id", "jti"].every(isText) &&
    ["aud", "scope"].every(isTextOrTexts)
  );
}

/** @param {Claims} own */
function isFresh({ exp, iat }) {
  return (typeof exp !== "number" || now < exp + 5) && (typeof iat !== "number" || now < iat + 605);
}

/** @param {Claims} own */
function isValidYet({ nbf, iat }) {
  return [nbf, iat].every((time) => typeof time !== "number" || now >= time - 5);
}

/**
 * @param {unknown} value
 * @returns {value is readonly string[]}
 */
function isTexts(value) {
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
 * A copy without a prototype, in which `in` and member access find what the sender wrote.
 *
 * @param {Claims} claims
 * @returns {Claims}
 */
function membersOf(claims) {
  return Object.setPrototypeOf(Object.fromEntries(Object.entries(claims)), null);
}
