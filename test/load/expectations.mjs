// What a request may be answered. Where that depends on the issuer, it depends on what has passed between it and the API
// until the answer is there, not on how much time has passed.

/**
 * @typedef {import("./issuer-link.mjs").IssuerLink} IssuerLink
 * @typedef {() => string[]} Expectation made when a request is sent; lists the right answers once the answer is there
 */

const ACCEPTED = "200";
export const UNKNOWN = "401 ERR_TOKEN_KEY_UNKNOWN";
export const UNAVAILABLE = "503 ERR_KEYS_UNAVAILABLE";

/**
 * The token of a key that was rotated in: accepted from the first key set on that holds it, unavailable before, because
 * the API has failed to fetch one. Never rejected.
 *
 * @param {IssuerLink} link
 * @returns {Expectation}
 */
export function expectRotatedIn(link) {
  const { newestKey, keys } = link;
  return () => [...(link.keys > newestKey ? [ACCEPTED] : []), ...(keys > newestKey ? [] : [UNAVAILABLE])];
}

/**
 * The token of a key that the issuer does not have: rejected, except while the API fails to fetch the keys.
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
