// An application whose core may not have the package that clientTls needs. The argument is the path of core's module.
import { createSelfSignedCertificate } from "@certbound/testing";
import { pathToFileURL } from "node:url";

const [, , path = ""] = process.argv;
/** @type {typeof import("@certbound/core")} */
const { createVerifier } = await import(pathToFileURL(path).href);
const { certificate, key } = await createSelfSignedCertificate();

/**
 * Creates a verifier with these credentials, and returns "accepted" or the error.
 *
 * @param {object} credentials
 */
function outcome(credentials) {
  const introspection = { clientId: "api", ...credentials };
  try {
    createVerifier({ issuer: "https://issuer.example", audience: null, introspection });
    return "accepted";
  } catch (error) {
    if (!(error instanceof TypeError && error.cause instanceof Error)) return "another error";
    return `${error.message}: ${error.cause.message.split("\n")[0]} ${Reflect.get(error.cause, "code")}`;
  }
}

console.log(
  JSON.stringify({
    clientSecret: outcome({ clientSecret: "secret" }),
    clientTls: outcome({ clientTls: { cert: certificate, key } }),
  }),
);
