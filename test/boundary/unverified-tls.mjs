// A process that makes verifiers, and has the last one verify a token if there is one. Prints the outcome as JSON.
// Usage: node unverified-tls.mjs <settings>

import { AccessTokenError, createVerifier } from "@certbound/core";

const [, , settings = ""] = process.argv;
/** @type {import("./unverified-tls.test.ts").Settings} */
const { verifiers, hasOwnFetch = false, token, thumbprint = "" } = JSON.parse(settings);

const ownFetch = hasOwnFetch
  ? { fetch: (/** @type {Parameters<typeof fetch>} */ ...request) => fetch(...request) }
  : {};
const verifier = verifiers.map((options) => createVerifier({ ...options, ...ownFetch })).at(-1);

const outcome =
  token === undefined
    ? "none"
    : await verifier?.verify(token, { clientCertificate: { thumbprint } }).then(
        () => "accepted",
        (/** @type {unknown} */ error) => (error instanceof AccessTokenError ? error.code : String(error)),
      );
console.log(JSON.stringify(outcome));
