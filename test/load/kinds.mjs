import { tamperSignature } from "@certbound/testing";
import { expectNeverPublished, expectRotatedIn, UNAVAILABLE, UNKNOWN } from "./expectations.mjs";
import { createSigner } from "./issuer.mjs";

/**
 * @typedef {import("./issuer.mjs").Signer} Signer
 * @typedef {import("./issuer-link.mjs").IssuerLink} IssuerLink
 * @typedef {import("@certbound/testing").Identity} Identity
 *
 * @typedef {object} Kind of requests, which use a separate connection to each API
 * @property {string} name
 * @property {number} perSecond
 * @property {number} timeout milliseconds after which a missing response counts as wrong
 * @property {Identity} identity the certificate of the connection
 * @property {string[]} outcomes each must occur at least once
 * @property {(link: IssuerLink) => string} token
 * @property {(link: IssuerLink) => import("./expectations.mjs").Expectation} expect
 */

/** Less than the 5 s that an API waits for the issuer: an API that has the key must not wait. */
const TIMEOUT_WITH_KEY = 3000;
/** Enough for two requests to the issuer: metadata and keys. */
const TIMEOUT_WITH_FETCH = 12_000;

/**
 * Returns the kinds of requests, each with the expected responses.
 *
 * @param {{ issuer: string, first: Signer, others: Signer[], client: Identity, thief: Identity }} parties the APIs start
 *   with the key of the first signer; the keys of the others are added one by one
 * @returns {Promise<Kind[]>}
 */
export async function createKinds({ issuer, first, others, client, thief }) {
  const issue = async (/** @type {Signer} */ { accessToken }, expiresIn = 3600) =>
    accessToken({ boundTo: client, expiresIn });
  const bound = await issue(first);
  const expired = await issue(first, -60);
  const rotatedIn = [bound, ...(await Promise.all(others.map((signer) => issue(signer))))];
  const neverPublished = await issue(await createSigner(issuer));

  const common = { perSecond: 20, timeout: TIMEOUT_WITH_KEY, identity: client };
  /** Expects the same response whether the issuer is up or down. */
  const always = (/** @type {string} */ outcome, /** @type {string} */ token) => ({
    outcomes: [outcome],
    token: () => token,
    expect: () => () => [outcome],
  });
  return [
    { name: "known key", ...common, perSecond: 80, ...always("200", bound) },
    { name: "stolen", ...common, identity: thief, ...always("401 ERR_BINDING_MISMATCH", bound) },
    { name: "expired", ...common, ...always("401 ERR_TOKEN_EXPIRED", expired) },
    { name: "forged signature", ...common, ...always("401 ERR_TOKEN_SIGNATURE", tamperSignature(bound)) },
    {
      name: "key rotated in",
      ...common,
      timeout: TIMEOUT_WITH_FETCH,
      outcomes: ["200", UNAVAILABLE],
      token: ({ newestKey }) => rotatedIn[newestKey] ?? bound,
      expect: expectRotatedIn,
    },
    {
      name: "key never published",
      ...common,
      timeout: TIMEOUT_WITH_FETCH,
      outcomes: [UNKNOWN, UNAVAILABLE],
      token: () => neverPublished,
      expect: expectNeverPublished,
    },
  ];
}
