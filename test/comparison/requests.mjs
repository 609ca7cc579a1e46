// How one request is created, sent, and described in a cell of the page.

import { forwardedHeaders, mtlsRequest } from "@certbound/testing";

/** @typedef {import("./parties.mjs").Parties} Parties */
/** @typedef {import("./parties.mjs").RunningCandidate} RunningCandidate */
/** @typedef {import("@certbound/testing").AccessTokenOptions} TokenOptions */
/** @typedef {import("@certbound/testing").Identity} Identity */
/** @typedef {Omit<import("@certbound/testing").MtlsRequestOptions, "ca">} RequestOptions */
/** @typedef {readonly [string, string]} Field */
/** @typedef {(candidate: RunningCandidate, parties: Parties) => Promise<RequestOptions>} CreateRequest */

/**
 * Returns the issuer of a candidate's tokens: @sap/xssec accepts only issuers with HTTPS.
 *
 * @param {string} name of the candidate
 * @param {{ issuer: string, httpsIssuer: string }} issuers
 */
export function issuerOf(name, { issuer, httpsIssuer }) {
  return name === "xssec" ? httpsIssuer : issuer;
}

/** Issues a token for a candidate. @param {string} name @param {Parties} parties @param {TokenOptions} [options] */
export function issueToken(name, { issuer, settings }, options = {}) {
  return issuer.accessToken({ ...options, claims: { iss: issuerOf(name, settings), ...options.claims } });
}

/**
 * Creates a request of the client with a token that is bound to its certificate, except for the given differences.
 *
 * @param {(parties: Parties) => TokenOptions} [token]
 * @param {(parties: Parties, token: string) => RequestOptions} [request]
 * @returns {CreateRequest}
 */
export function bound(token = () => ({}), request = ({ client: identity }, text) => ({ identity, token: text })) {
  return async ({ name }, parties) =>
    request(parties, await issueToken(name, parties, { boundTo: parties.client, ...token(parties) }));
}

/**
 * Creates a request through a proxy, over a connection without a client certificate.
 *
 * @param {(parties: Parties) => Identity} [holder] whose certificate the proxy forwards
 * @param {(fields: Field[], owned: Field[]) => Field[]} [change] gets the fields of the proxy, certificate first, and those that
 *   the proxy would send for the client of the token
 * @returns {CreateRequest}
 */
export function forwarded(holder = ({ client }) => client, change = (fields) => fields) {
  return async ({ name }, parties) => {
    const token = await issueToken(name, parties, { boundTo: parties.client });
    /** @type {Field} */
    const secret = ["x-proxy-secret", parties.settings.proxySecret];
    const fields = [...proxyFields(name, holder(parties)), secret];
    return { token, headers: change(fields, proxyFields(name, parties.client)) };
  };
}

/** Returns the header in the form that a candidate reads. @param {string} name @param {Identity} identity @returns {Field[]} */
function proxyFields(name, identity) {
  return Object.entries(forwardedHeaders(name === "xssec" ? "cloudFoundry" : "nginx", identity));
}

/**
 * Creates a request with an opaque token.
 *
 * @param {(parties: Parties) => Identity} presenter
 * @param {{ isBound?: boolean, isRevoked?: boolean }} [options]
 * @returns {CreateRequest}
 */
export function opaque(presenter, { isBound = true, isRevoked = false } = {}) {
  return async (_candidate, parties) => {
    const token = await parties.issuer.opaqueToken(isBound ? { boundTo: parties.client } : {});
    if (isRevoked) parties.issuer.revoke(token);
    return { identity: presenter(parties), token };
  };
}

/** Sends a request. @param {RunningCandidate} candidate @param {string} route @param {Parties} parties @param {RequestOptions} options */
export function send({ url }, route, { ca }, options) {
  return mtlsRequest(`${url}/${route}`, { ca, ...options });
}

/** Describes a response: the status, and the error of the Bearer challenge. @param {number} status @param {string | undefined} challenge */
export function describeResponse(status, challenge) {
  if (status === 200) return "200";
  if (challenge === undefined) return status === 401 ? "401, no challenge" : String(status);
  const [bearer = ""] = challenge.split(/, (?=DPoP )/);
  const error = /\berror="(\w+)"/.exec(bearer)?.[1];
  return error === undefined ? String(status) : `${status} \`${error}\``;
}
