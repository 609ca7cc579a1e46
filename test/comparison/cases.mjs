// The requests that every candidate gets, by table of docs/comparison.md.

import { tamperPayload } from "@certbound/testing";
import { withProof } from "./dpop.mjs";
import { outcomeOfRenegotiation } from "./renegotiation.mjs";
import { bound, describeResponse, forwarded, issuerOf, opaque, send } from "./requests.mjs";

/** @typedef {import("./parties.mjs").Parties} Parties */
/** @typedef {import("./parties.mjs").RunningCandidate} RunningCandidate */
/** @typedef {import("./requests.mjs").CreateRequest} CreateRequest */
/** @typedef {import("./requests.mjs").RequestOptions} RequestOptions */
/** @typedef {(candidate: RunningCandidate, parties: Parties) => Promise<string>} Measure */
/** @typedef {{ readonly name: string, readonly expected: string, readonly route: string, readonly measure: Measure }} Case */

/**
 * @param {string} route
 * @param {readonly (readonly [string, string, CreateRequest])[]} rows the name, the expected outcome, and the request
 * @returns {Case[]}
 */
function on(route, rows) {
  return rows.map(([name, expected, create]) => ({
    name,
    expected,
    route,
    async measure(candidate, parties) {
      const { status, headers } = await send(candidate, route, parties, await create(candidate, parties));
      return describeResponse(status, headers["www-authenticate"]);
    },
  }));
}

/** A token whose `cnf` is something else. @param {(client: import("./requests.mjs").Identity) => unknown} create */
const confirmation = (create) => bound(({ client }) => ({ claims: { cnf: create(client) } }));
const thief = bound(undefined, ({ thief: identity }, token) => ({ identity, token }));
const withoutCertificate = bound(undefined, (_parties, token) => ({ token }));
const jkt = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";

/** @type {CreateRequest} */
const fromUnavailableIssuer = async ({ name }, parties) => {
  const claims = { iss: issuerOf(name, parties.unavailable) };
  return { identity: parties.client, token: await parties.issuer.accessToken({ boundTo: parties.client, claims }) };
};

/** Whether different reasons cause different responses. @type {Measure} */
async function tellsReasonsApart(candidate, parties) {
  const requests = [thief, bound(() => ({ expiresIn: -60 })), bound(() => ({ forged: true }))];
  const responses = requests.map(async (create) => {
    const { status, headers, body } = await send(candidate, "required", parties, await create(candidate, parties));
    return `${status} ${headers["www-authenticate"]} ${body}`;
  });
  return new Set(await Promise.all(responses)).size === 1 ? "no" : "yes";
}

/** @type {Readonly<Record<string, readonly Case[]>>} */
export const tables = {
  binding: on("required", [
    ["the client, with its certificate", "200", bound()],
    ["a thief: the same token, another certificate", "401", thief],
    ["the same token, no certificate", "401", withoutCertificate],
    ["a token without `cnf`", "401", confirmation(() => undefined)],
    ["`cnf` is a string", "401", confirmation(({ thumbprint }) => JSON.stringify({ "x5t#S256": thumbprint }))],
    ["`cnf` is an empty object", "401", confirmation(() => ({}))],
    ["`x5t#S256` is empty", "401", confirmation(() => ({ "x5t#S256": "" }))],
    ["`x5t#S256` is an array", "401", confirmation(({ thumbprint }) => ({ "x5t#S256": [thumbprint] }))],
    ["`x5t#S256` is hexadecimal", "401", confirmation(({ thumbprint }) => ({ "x5t#S256": toHex(thumbprint) }))],
  ]),
  renegotiation: [
    {
      name: "the check runs first",
      expected: "401",
      route: "required",
      measure: (candidate, parties) => outcomeOfRenegotiation(candidate, "required", parties),
    },
    {
      name: "the check runs after asynchronous middleware",
      expected: "401",
      route: "required",
      measure: (candidate, parties) => outcomeOfRenegotiation(candidate, "late/required", parties),
    },
  ],
  "roll-out": on("whenBound", [
    ["a token without `cnf`", "200", confirmation(() => undefined)],
    ["the client, with its certificate", "200", bound()],
    ["a thief: the same token, another certificate", "401", thief],
    ["the same token, no certificate", "401", withoutCertificate],
    ["`cnf` is a string", "401", confirmation(({ thumbprint }) => JSON.stringify({ "x5t#S256": thumbprint }))],
    ["`cnf` is an empty object", "401", confirmation(() => ({}))],
    ["`x5t#S256` is empty", "401", confirmation(() => ({ "x5t#S256": "" }))],
  ]),
  token: [
    ...on("required", [
      ["no token", "401", async (_candidate, { client: identity }) => ({ identity })],
      [
        "a string that is not a JWT",
        "401",
        async (_candidate, { client: identity }) => ({ identity, token: "opaque" }),
      ],
      ["an expired token", "401", bound(() => ({ expiresIn: -60 }))],
      ["a token without `exp`", "401", bound(() => ({ claims: { exp: undefined } }))],
      ["a token for another audience", "401", bound(() => ({ claims: { aud: "https://other.example.com" } }))],
      ["a token of another issuer", "401", bound(() => ({ claims: { iss: "https://other.example.com" } }))],
      ["a forged signature", "401", bound(() => ({ forged: true }))],
      [
        "a changed claim",
        "401",
        bound(undefined, ({ client: identity }, token) => ({
          identity,
          token: tamperPayload(token, { sub: "admin" }),
        })),
      ],
      ["a logout token (`typ` is `logout+jwt`)", "401", bound(() => ({ header: { typ: "logout+jwt" } }))],
      [
        "an ID token (`at_hash`, `nonce`)",
        "401",
        bound(() => ({ header: { typ: "JWT" }, claims: { at_hash: "hash", nonce: "nonce" } })),
      ],
    ]),
    {
      name: "a token in the query",
      expected: "401",
      route: "required",
      async measure(candidate, parties) {
        const { token = "", identity } = await bound()(candidate, parties);
        const query = new URLSearchParams({ access_token: token });
        const options = identity === undefined ? {} : { identity };
        const { status, headers } = await send(candidate, `required?${query}`, parties, options);
        return describeResponse(status, headers["www-authenticate"]);
      },
    },
    ...on("unavailable", [["the issuer cannot be reached", "503", fromUnavailableIssuer]]),
    ...on("noAudience", [
      [
        "`audience` is not configured, token for another API",
        "start-up error",
        bound(() => ({ claims: { aud: "https://other.example.com" } })),
      ],
    ]),
    {
      name: "the response tells the client which check failed",
      expected: "not specified",
      route: "required",
      measure: tellsReasonsApart,
    },
  ],
  proxy: on("forwarded", [
    ["the proxy sends the certificate of the client", "200", forwarded()],
    ["the proxy sends the certificate of a thief", "401", forwarded((parties) => parties.thief)],
    [
      "a thief bypasses the proxy, and sends the header with the client's certificate",
      "401",
      forwarded(undefined, (fields) => fields.slice(0, 1)),
    ],
    [
      "a thief sends the header with the client's certificate, and the proxy adds one with the thief's",
      "401",
      forwarded(
        (parties) => parties.thief,
        (fields, owned) => [...owned.slice(0, 1), ...fields],
      ),
    ],
    ["the header is missing", "401", forwarded(undefined, (fields) => fields.slice(1))],
  ]),
  opaque: on("opaque", [
    ["the client, with its certificate", "200", opaque(({ client }) => client)],
    ["a thief: the same token, another certificate", "401", opaque((parties) => parties.thief)],
    ["a token without `cnf`", "401", opaque(({ client }) => client, { isBound: false })],
    ["a revoked token", "401", opaque(({ client }) => client, { isRevoked: true })],
  ]),
  dpop: on("required", [
    ["a DPoP-bound token with its proof", "200", withProof()],
    ["the same proof a second time", "401", withProof({ isReplayed: true })],
    ["a DPoP-bound token as a bearer token", "401", confirmation(() => ({ jkt }))],
    [
      "a token that is bound by certificate and by DPoP, as a bearer token",
      "401",
      confirmation(({ thumbprint }) => ({ "x5t#S256": thumbprint, jkt })),
    ],
  ]),
};

/** @param {string} base64url */
function toHex(base64url) {
  return Buffer.from(base64url, "base64url").toString("hex");
}

/** Returns the cell of a case. @param {Case} testCase @param {RunningCandidate} candidate @param {Parties} parties */
export async function outcomeOf({ route, measure }, candidate, parties) {
  if (candidate.failed.includes(route)) return "start-up error";
  return candidate.routes.includes(route) ? measure(candidate, parties) : "–";
}
