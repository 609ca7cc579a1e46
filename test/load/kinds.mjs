import { tamperSignature } from "@certbound/testing";
import { expectNeverPublished, expectRotatedIn, UNAVAILABLE, UNKNOWN } from "./expectations.mjs";
import { createSigner } from "./issuer.mjs";

/**
 * @typedef {import("./issuer.mjs").Signer} Signer
 * @typedef {import("./issuer-link.mjs").IssuerLink} IssuerLink
 * @typedef {import("@certbound/testing").Identity} Identity
 *
 * @typedef {object} Kind of requests; they have a connection to each API for themselves
 * @property {string} name
 * @property {number} perSecond
 * @property {number} patience milliseconds after which no answer is a wrong answer
 * @property {Identity} identity the certificate of the connection
 * @property {string[]} answers each has to be given at least once
 * @property {(link: IssuerLink) => string} token
 * @property {(link: IssuerLink) => import("./expectations.mjs").Expectation} expect
 */

/** An API that knows the key does not wait for the issuer, which it gives 5 s. */
const NOT_WAITING = 3000;
/** An API asks the issuer for its metadata, and then for its keys. */
const WAITING = 12_000;

/**
 * Lists the kinds of requests, each with what it is answered.
 *
 * @param {{ issuer: string, first: Signer, others: Signer[], client: Identity, thief: Identity }} parties the APIs know
 *   the key of the first signer; those of the others are rotated in, one by one
 * @returns {Promise<Kind[]>}
 */
export async function createKinds({ issuer, first, others, client, thief }) {
  const issue = async (/** @type {Signer} */ { accessToken }, expiresIn = 3600) =>
    accessToken({ boundTo: client, expiresIn });
  const bound = await issue(first);
  const expired = await issue(first, -60);
  const rotatedIn = [bound, ...(await Promise.all(others.map((signer) => issue(signer))))];
  const neverPublished = await issue(await createSigner(issuer));

  const usual = { perSecond: 20, patience: NOT_WAITING, identity: client };
  /** The same answer, whether the issuer is up or down. */
  const always = (/** @type {string} */ answer, /** @type {string} */ token) => ({
    answers: [answer],
    token: () => token,
    expect: () => () => [answer],
  });
  return [
    { name: "known key", ...usual, perSecond: 80, ...always("200", bound) },
    { name: "stolen", ...usual, identity: thief, ...always("401 ERR_BINDING_MISMATCH", bound) },
    { name: "expired", ...usual, ...always("401 ERR_TOKEN_EXPIRED", expired) },
    { name: "forged signature", ...usual, ...always("401 ERR_TOKEN_SIGNATURE", tamperSignature(bound)) },
    {
      name: "key rotated in",
      ...usual,
      patience: WAITING,
      answers: ["200", UNAVAILABLE],
      token: ({ newestKey }) => rotatedIn[newestKey] ?? bound,
      expect: expectRotatedIn,
    },
    {
      name: "key never published",
      ...usual,
      patience: WAITING,
      answers: [UNKNOWN, UNAVAILABLE],
      token: () => neverPublished,
      expect: expectNeverPublished,
    },
  ];
}
