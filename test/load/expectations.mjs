// The allowed responses to a request. If they depend on the issuer, they depend on the requests between the API and the
// issuer until the response arrives, not on time.

/**
 * @typedef {import("./issuer-link.mjs").IssuerLink} IssuerLink
 * @typedef {() => string[]} Expectation created when a request is sent; returns the allowed responses once its response has arrived
 */

const ACCEPTED = "200";
export const UNKNOWN = "401 ERR_TOKEN_KEY_UNKNOWN";
export const UNAVAILABLE = "503 ERR_KEYS_UNAVAILABLE";

/**
 * Expects that the token of a new key is accepted as soon as the API has a key set with that key. Until then the response
 * is 503, because the API failed to fetch one. It is never rejected.
 *
 * @param {IssuerLink} link
 * @returns {Expectation}
 */
export function expectRotatedIn(link) {
  const { newestKey, keys } = link;
  return () => [...(link.keys > newestKey ? [ACCEPTED] : []), ...(keys > newestKey ? [] : [UNAVAILABLE])];
}

/**
 * Expects that the token of an unpublished key is rejected, except while the API fails to fetch the keys.
 *
 * @param {IssuerLink} link
 * @returns {Expectation}
 */
export function expectNeverPublished(link) {
  const { failing, failures, keySets } = link;
  return () => [
    ...(!failing || link.keySets > keySets ? [UNKNOWN] : []),
    ...(failing || link.failures > failures ? [UNAVAILABLE] : []),
  ];
}
