// An application with two installed copies of core. The argument is the path of the second copy's module.
import * as installed from "@certbound/core";
import { forgeToken } from "@certbound/testing";
import { generateKeyPairSync } from "node:crypto";
import { pathToFileURL } from "node:url";

const [, , path = ""] = process.argv;
/** @type {typeof installed} */
const copy = await import(pathToFileURL(path).href);

const [own, foreign] = [installed, copy].map(
  ({ AccessTokenError }) => new AccessTokenError("ERR_CERTIFICATE_UNTRUSTED"),
);
class Subclass extends installed.AccessTokenError {}

/** Returns the code of a rejection with an error that the resolver created with the other copy. */
async function codeOfForeignError() {
  const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const jwks = { keys: [{ ...publicKey.export({ format: "jwk" }), kty: "EC" }] };
  const authenticator = installed.createAuthenticator({
    issuer: "https://issuer.example",
    audience: null,
    jwks,
    clock: () => 2_000_000_000_000,
    certificateResolver: () => foreign,
  });
  const claims = { iss: "https://issuer.example", exp: 2_000_000_060 };
  const token = forgeToken({ header: { alg: "ES256", typ: "at+jwt" }, payload: claims, signature: "" });
  const request = { rawHeaders: ["authorization", `Bearer ${token}`], socket: {} };
  return authenticator()(request).then(
    () => "accepted",
    (/** @type {unknown} */ error) => error instanceof installed.AccessTokenError && error.code,
  );
}

console.log(
  JSON.stringify({
    distinct: installed.AccessTokenError !== copy.AccessTokenError,
    foreign: foreign instanceof installed.AccessTokenError,
    own: own instanceof copy.AccessTokenError,
    otherErrors: new TypeError("no") instanceof copy.AccessTokenError,
    subclass: foreign instanceof Subclass,
    rejection: installed.httpRejection(foreign).status,
    code: await codeOfForeignError(),
  }),
);
