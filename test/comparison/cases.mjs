// The requests that every candidate gets, by table of docs/comparison.md.

import { forwardedHeaders, mtlsRequest, tamperPayload } from "@certbound/testing";

/** @typedef {import("./parties.mjs").Parties} Parties */
/** @typedef {import("./parties.mjs").RunningCandidate} RunningCandidate */
/** @typedef {import("@certbound/testing").AccessTokenOptions} TokenOptions */
/** @typedef {import("@certbound/testing").MtlsRequestOptions} RequestOptions */
/** @typedef {"required" | "whenBound" | "forwarded" | "opaque" | "unavailable"} Route */
/** @typedef {(candidate: string, parties: Parties) => Promise<Omit<RequestOptions, "ca">>} CreateRequest */
/** @typedef {{ readonly name: string, readonly expected: string, readonly route: Route, readonly create: CreateRequest }} Case */

/** Returns the issuer of a candidate's tokens: \@sap/xssec accepts only issuers with HTTPS. @param {string} candidate @param {{ issuer: string, httpsIssuer: string }} issuers */
export function issuerOf(candidate, { issuer, httpsIssuer }) {
  return candidate === "xssec" ? httpsIssuer : issuer;
}

/** Issues a token for a candidate. @param {string} candidate @param {Parties} parties @param {TokenOptions} [options] */
export function issueToken(candidate, { issuer, settings }, options = {}) {
  return issuer.accessToken({ ...options, claims: { iss: issuerOf(candidate, settings), ...options.claims } });
}

/**
 * A request of the client with a token that is bound to its certificate, and differs in one thing.
 *
 * @param {(parties: Parties) => TokenOptions} [token]
 * @param {(parties: Parties, token: string) => Omit<RequestOptions, "ca">} [request]
 * @returns {CreateRequest}
 */
function bound(token = () => ({}), request = ({ client: identity }, text) => ({ identity, token: text })) {
  return async (candidate, parties) =>
    request(parties, await issueToken(candidate, parties, { boundTo: parties.client, ...token(parties) }));
}

/** @param {unknown} cnf */
const confirmation = (cnf) => bound(() => ({ claims: { cnf } }));
/** @type {(parties: Parties, token: string) => Omit<RequestOptions, "ca">} */
const asThief = ({ thief: identity }, token) => ({ identity, token });
/** @type {(parties: Parties, token: string) => Omit<RequestOptions, "ca">} */
const withoutCertificate = (_parties, token) => ({ token });

/** @type {CreateRequest} */
const fromUnavailableIssuer = async (candidate, parties) => {
  const claims = { iss: issuerOf(candidate, parties.unavailable) };
  return { identity: parties.client, token: await parties.issuer.accessToken({ boundTo: parties.client, claims }) };
};

/** @param {Parties} parties */
const hexThumbprint = ({ client }) => Buffer.from(client.thumbprint, "base64url").toString("hex");

/** @param {Route} route @param {readonly (readonly [string, string, CreateRequest])[]} rows @returns {Case[]} */
const on = (route, rows) => rows.map(([name, expected, create]) => ({ name, expected, route, create }));

/** @type {Readonly<Record<string, readonly Case[]>>} */
export const tables = {
  binding: on("required", [
    ["the client, with its certificate", "200", bound()],
    ["a thief: the same token, another certificate", "401", bound(undefined, asThief)],
    ["the same token, no certificate", "401", bound(undefined, withoutCertificate)],
    ["a token without `cnf`", "401", confirmation(undefined)],
    ["`cnf` is a string", "401", bound(({ client }) => ({ claims: { cnf: `{"x5t#S256":"${client.thumbprint}"}` } }))],
    ["`cnf` is an empty object", "401", confirmation({})],
    ["`x5t#S256` is empty", "401", confirmation({ "x5t#S256": "" })],
    [
      "`x5t#S256` is an array of the right thumbprint",
      "401",
      bound(({ client }) => ({ claims: { cnf: { "x5t#S256": [client.thumbprint] } } })),
    ],
    [
      "`x5t#S256` in hexadecimal",
      "401",
      bound((parties) => ({ claims: { cnf: { "x5t#S256": hexThumbprint(parties) } } })),
    ],
    [
      "a DPoP-bound token, as a bearer token",
      "401",
      confirmation({ jkt: "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" }),
    ],
    [
      "a token bound by certificate and by DPoP, as a bearer token",
      "401",
      bound(({ client }) => ({
        claims: { cnf: { "x5t#S256": client.thumbprint, jkt: "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" } },
      })),
    ],
  ]),
  "roll-out": on("whenBound", [
    ["a token without `cnf`", "200", confirmation(undefined)],
    ["the client, with its certificate", "200", bound()],
    ["a thief: the same token, another certificate", "401", bound(undefined, asThief)],
    ["the same token, no certificate", "401", bound(undefined, withoutCertificate)],
    ["`cnf` is a string", "401", confirmation("bound")],
    ["`cnf` is an empty object", "401", confirmation({})],
    ["`x5t#S256` is empty", "401", confirmation({ "x5t#S256": "" })],
    [
      "a DPoP-bound token, as a bearer token",
      "401",
      confirmation({ jkt: "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" }),
    ],
  ]),
  token: [
    ...on("required", [
      ["no token", "401", async (_candidate, { client: identity }) => ({ identity })],
      [
        "a string that is not a JWT",
        "401",
        async (_candidate, { client: identity }) => ({ identity, token: "opaque" }),
      ],
      ["expired", "401", bound(() => ({ expiresIn: -60 }))],
      [
        "without `exp`",
        "401",
        bound(({ client }) => ({ claims: { exp: undefined, cnf: { "x5t#S256": client.thumbprint } } })),
      ],
      ["for another audience", "401", bound(() => ({ claims: { aud: "https://other.example.com" } }))],
      ["of another issuer", "401", bound(() => ({ claims: { iss: "https://other.example.com" } }))],
      ["forged signature", "401", bound(() => ({ forged: true }))],
      [
        "changed claim",
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
    ...on("unavailable", [["the issuer cannot be reached", "503", fromUnavailableIssuer]]),
  ],
  proxy: on("forwarded", [
    ["the proxy sets the header", "200", forwarded()],
    ["the proxy sets the header of another client", "401", forwarded(({ thief }) => thief)],
    ["the client sends the header itself, past the proxy", "401", forwarded(undefined, (fields) => fields.slice(0, 1))],
    [
      "the header occurs twice: first the client's, then the proxy's",
      "401",
      forwarded(
        ({ thief }) => thief,
        (fields, owned) => [...owned.slice(0, 1), ...fields],
      ),
    ],
    ["no header", "401", forwarded(undefined, (fields) => fields.slice(1))],
  ]),
  opaque: on("opaque", [
    ["the client, with its certificate", "200", opaque(({ client }) => client)],
    ["a thief: the same token, another certificate", "401", opaque(({ thief }) => thief)],
    [
      "a token without `cnf`",
      "401",
      opaque(
        ({ client }) => client,
        () => ({}),
      ),
    ],
    ["a revoked token", "401", opaque(({ client }) => client, undefined, true)],
  ]),
};

/** @typedef {readonly [string, string]} Field */

/**
 * A request through a proxy, over a connection without a client certificate. The first field is the certificate.
 *
 * @param {(parties: Parties) => import("@certbound/testing").Identity} [holder] whose certificate the proxy forwards
 * @param {(fields: Field[], owned: Field[]) => Field[]} [change] gets the fields of the proxy, and those of the token's client
 * @returns {CreateRequest}
 */
function forwarded(holder = ({ client }) => client, change = (fields) => fields) {
  return async (candidate, parties) => {
    const token = await issueToken(candidate, parties, { boundTo: parties.client });
    const fieldsOf = (/** @type {import("@certbound/testing").Identity} */ identity) =>
      proxyFields(candidate, identity);
    /** @type {Field} */
    const secret = ["x-proxy-secret", parties.proxySecret];
    return { token, headers: change([...fieldsOf(holder(parties)), secret], fieldsOf(parties.client)) };
  };
}

/** Returns the header in the form that a candidate reads. @param {string} candidate @param {import("@certbound/testing").Identity} identity @returns {Field[]} */
function proxyFields(candidate, identity) {
  if (candidate === "xssec") return Object.entries(forwardedHeaders("cloudFoundry", identity));
  return Object.entries(forwardedHeaders("nginx", identity));
}

/**
 * @param {(parties: Parties) => import("@certbound/testing").Identity} presenter
 * @param {(parties: Parties) => TokenOptions} [options]
 * @param {boolean} [revoked]
 * @returns {CreateRequest}
 */
function opaque(presenter, options = ({ client: boundTo }) => ({ boundTo }), revoked = false) {
  return async (_candidate, parties) => {
    const token = await parties.issuer.opaqueToken(options(parties));
    if (revoked) parties.issuer.revoke(token);
    return { identity: presenter(parties), token };
  };
}

/**
 * Sends the request of a case, and returns its outcome: the status, and the error of the challenge.
 *
 * @param {Case} testCase
 * @param {RunningCandidate} candidate
 * @param {Parties} parties
 */
export async function outcomeOf({ route, create }, { name, url, routes }, parties) {
  if (!routes.includes(route)) return "–";
  const options = await create(name, parties);
  const { status, headers } = await mtlsRequest(`${url}/${route}`, { ca: parties.ca, ...options });
  if (status === 200) return "200";
  const challenge = headers["www-authenticate"];
  if (challenge === undefined) return status === 401 ? "401, no challenge" : String(status);
  const [bearer = ""] = challenge.split(/, (?=DPoP )/);
  const error = /\berror="(\w+)"/.exec(bearer)?.[1];
  return error === undefined ? `${status}` : `${status} \`${error}\``;
}
