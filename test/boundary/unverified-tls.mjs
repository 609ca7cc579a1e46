// Creates verifiers, and verifies a token with the last one if there is a token. Prints the outcome as JSON.
// Usage: node unverified-tls.mjs <settings>

import { AccessTokenError, createVerifier } from "@certbound/core";

const [, , settings = ""] = process.argv;
/** @type {import("./unverified-tls.test.ts").Settings} */
const { verifiers, hasCustomFetch = false, token, thumbprint = "" } = JSON.parse(settings);

const customFetch = hasCustomFetch
  ? { fetch: (/** @type {Parameters<typeof fetch>} */ ...request) => fetch(...request) }
  : {};
const verifier = verifiers.map((options) => createVerifier({ ...options, ...customFetch })).at(-1);

const outcome =
  token === undefined
    ? "none"
    : await verifier?.verify(token, { clientCertificate: { thumbprint } }).then(
        () => "accepted",
        (/** @type {unknown} */ error) => (error instanceof AccessTokenError ? error.code : String(error)),
      );
console.log(JSON.stringify(outcome));
