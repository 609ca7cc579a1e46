// An API whose process replaces the global Promise, before or after certbound is loaded. Prints the outcome of each attempt
// as JSON. Usage: node replaced-promise.mjs native|subclass|bluebird|zone before|after

import { createTestKit } from "@certbound/testing";

const [, , library, order] = process.argv;

const replace = {
  native: () => {},
  subclass: () => {
    globalThis.Promise = class OtherPromise extends Promise {};
  },
  bluebird: async () => {
    globalThis.Promise = (await import("bluebird")).default;
  },
  zone: async () => {
    await import("zone.js/node");
  },
}[library];

if (order === "before") await replace();
const { createAuthenticator, createVerifier } = await import("@certbound/core");
const kit = await createTestKit();
const [owner, thief] = [await kit.issueClientCertificate(), await kit.issueClientCertificate()];
if (order === "after") await replace();

const authorized = [];
const rejectAll = async () => false;
const acceptAll = async () => true;
const authorize = async (token) => {
  authorized.push(token.binding);
  return token.claims.blocked !== true;
};

/** Authenticates a request with a new token, and then with the same token again. */
async function attempt({ identity = owner, claims = {}, policy = acceptAll, requirements = {}, resolver = {} }) {
  // Static keys: the fetch of Node 26 needs Promise.withResolvers, which bluebird does not have.
  const options = { ...kit.verifierOptions, jwks: kit.issuer.jwks, certificatePolicy: policy };
  const token = await kit.accessToken({ boundTo: owner, claims });
  const authenticate = createAuthenticator({
    ...options,
    certificateResolver: async () => identity.certificate,
    ...resolver,
  })(requirements);
  const request = { rawHeaders: ["Authorization", `Bearer ${token}`], socket: {} };
  const verifier = createVerifier(options);
  const verify = () => verifier.verify(token, { clientCertificate: identity.certificate, ...requirements });
  return [
    await outcome(() => authenticate(request)),
    await outcome(() => authenticate(request)),
    await outcome(verify),
    await outcome(verify),
  ];
}

async function outcome(run) {
  try {
    const { binding } = await run();
    return `accepted ${binding}`;
  } catch (error) {
    return error.code ?? error.message;
  }
}

const results = {
  good: await attempt({}),
  stolen: await attempt({ identity: thief }),
  "rejected by the policy": await attempt({ policy: rejectAll }),
  "without the scope": await attempt({ requirements: { scopes: ["admin"] } }),
  "not authorized": await attempt({ claims: { blocked: true }, requirements: { authorize } }),
  authorized: await attempt({ requirements: { authorize } }),
};
console.log(JSON.stringify({ isReplaced: !((async () => {})() instanceof Promise), results, authorized }));
await kit.close();
