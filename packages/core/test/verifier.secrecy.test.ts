import { createSelfSignedCertificate, forgeToken, tamperSignature } from "@certbound/testing";
import { describe, expect, test } from "vitest";
import type { AccessTokenError } from "../src/errors.ts";
import { createVerifier } from "../src/verifier.ts";
import type { VerifyOptions } from "../src/requirements.ts";
import { endless, hangUp, json, redirect, startEndpoint, status, text } from "./support/endpoint.ts";
import { everythingOf } from "./support/everything-of.ts";
import { type Outcome, rejectionOf } from "./support/outcome.ts";
import { now, seconds, startIssuer, verifierOf } from "./support/verification.ts";

const client = await createSelfSignedCertificate({ commonName: "MARKER" });
const other = await createSelfSignedCertificate({ commonName: "MARKER" });
const issuer = await startIssuer();
const verifier = verifierOf(issuer);

const planted = { sub: "MARKER", jti: "MARKER", MARKER: "MARKER", deep: { MARKER: ["MARKER"] } };

/** Returns the texts that no error may contain: every part of the token, and both certificates in every encoding. */
function secretsOf(token: string): readonly string[] {
  const lines = [client, other].flatMap(({ certificate }) => certificate.split("\n").slice(1, -2));
  const thumbprints = [client, other].flatMap(({ thumbprint }) => {
    const digest = Buffer.from(thumbprint, "base64url");
    return [thumbprint, digest.toString("base64"), digest.toString("hex")];
  });
  return ["MARKER", ...token.split(".").filter((part) => part.length > 8), ...thumbprints, ...lines];
}

function expectNoSecrets(error: AccessTokenError, token: string): void {
  const shown = everythingOf(error);
  expect(secretsOf(token).filter((secret) => shown.includes(secret))).toEqual([]);
  expect(Object.hasOwn(error, "cause")).toBe(false);
}

describe("an error of the verifier does not contain the token or the certificate:", () => {
  interface Rejected {
    readonly claims?: object;
    readonly header?: object;
    readonly change?: (token: string) => string;
    readonly use?: Partial<VerifyOptions>;
  }

  const rejected: readonly (readonly [Outcome, Rejected])[] = [
    ["ERR_TOKEN_MALFORMED", { change: (token) => `${token}.MARKER` }],
    ["ERR_TOKEN_MALFORMED", { change: (token) => `${token}MARKER~` }],
    ["ERR_TOKEN_MALFORMED", { header: { crit: ["MARKER"] } }],
    ["ERR_TOKEN_MALFORMED", { header: { kid: ["MARKER"] } }],
    ["ERR_TOKEN_MALFORMED", { change: () => forgeToken({ header: '{"alg":"MARKER', payload: "MARKER" }) }],
    ["ERR_TOKEN_MALFORMED", { change: () => forgeToken({ header: { alg: "ES256" }, payload: "MARKER" }) }],
    ["ERR_TOKEN_ALGORITHM", { header: { alg: "MARKER" } }],
    ["ERR_TOKEN_ALGORITHM", { header: { alg: ["MARKER"] } }],
    ["ERR_TOKEN_TYPE", { header: { typ: "MARKER" } }],
    ["ERR_TOKEN_TYPE", { header: { typ: ["MARKER"] } }],
    ["ERR_TOKEN_TYPE", { header: { typ: "JWT" }, claims: { at_hash: "MARKER" } }],
    ["ERR_TOKEN_ISSUER", { claims: { iss: "https://MARKER.example" } }],
    ["ERR_TOKEN_AUDIENCE", { claims: { aud: "MARKER" } }],
    ["ERR_TOKEN_EXPIRED", { claims: { exp: 1 } }],
    ["ERR_TOKEN_NOT_YET_VALID", { claims: { nbf: seconds + 60 } }],
    ["ERR_TOKEN_CLAIM", { claims: { exp: "MARKER" } }],
    ["ERR_TOKEN_CLAIM", { claims: { client_id: ["MARKER"] } }],
    ["ERR_TOKEN_CLAIM", { claims: { scope: { MARKER: "MARKER" } } }],
    ["ERR_CERTIFICATE_MISSING", { use: { clientCertificate: null } }],
    ["ERR_CERTIFICATE_MALFORMED", { use: { clientCertificate: "MARKER" } }],
    ["ERR_CERTIFICATE_MALFORMED", { use: { clientCertificate: `${client.certificate}MARKER` } }],
    ["ERR_CERTIFICATE_MALFORMED", { use: { clientCertificate: client.der.subarray(1) } }],
    ["ERR_CERTIFICATE_MALFORMED", { use: { clientCertificate: { thumbprint: "MARKER" } } }],
    ["ERR_BINDING_REQUIRED", { claims: { cnf: undefined } }],
    ["ERR_BINDING_MALFORMED", { claims: { cnf: "MARKER" } }],
    ["ERR_BINDING_MALFORMED", { claims: { cnf: { "x5t#S256": "MARKER" } } }],
    ["ERR_BINDING_UNSUPPORTED", { claims: { cnf: { MARKER: "MARKER" } } }],
    ["ERR_BINDING_MISMATCH", { use: { clientCertificate: other.certificate } }],
    ["ERR_TOKEN_KEY_UNKNOWN", { header: { kid: "MARKER" } }],
    ["ERR_TOKEN_SIGNATURE", { change: tamperSignature }],
    ["ERR_SCOPE_INSUFFICIENT", { claims: { scope: "MARKER" }, use: { scopes: ["admin"] } }],
    ["ERR_ACCESS_DENIED", { claims: { groups: ["MARKER"] }, use: { groups: ["staff"] } }],
    ["ERR_ACCESS_DENIED", { use: { authorize: () => false } }],
    ["ERR_AUTHENTICATION_INSUFFICIENT", { claims: { acr: "MARKER" }, use: { acrValues: ["gold"] } }],
    ["ERR_AUTHENTICATION_INSUFFICIENT", { claims: { auth_time: "MARKER" }, use: { maxAge: 60 } }],
  ];

  test.each(rejected)("%s (L-01, L-02)", async (code, { claims, header, change, use }) => {
    const issued = await issuer.accessToken({
      boundTo: client,
      claims: { ...planted, ...claims },
      header: { MARKER: "MARKER", ...header },
    });
    const token = change?.(issued) ?? issued;
    const error = await rejectionOf(verifier.verify(token, { clientCertificate: client.certificate, ...use }));
    expect(error.code).toBe(code);
    expect(error.detail).toMatch(/./);
    expectNoSecrets(error, token);
  });

  test("a reported rejection", async () => {
    const token = await issuer.accessToken({ boundTo: client, claims: planted });
    const accessToken = await verifier.verify(token, {
      clientCertificate: other.certificate,
      validateCertificateBinding: "report-only",
    });
    const { bindingError } = accessToken as { bindingError: AccessTokenError };
    expect(bindingError.code).toBe("ERR_BINDING_MISMATCH");
    expectNoSecrets(bindingError, token);
  });
});

describe("an error of the key source does not contain the response of the issuer:", () => {
  test.each([
    ["an error page", status(500, { error: "MARKER" })],
    ["HTML", text("<h1>MARKER</h1>", "text/html")],
    ["half of a document", text('{"keys":"MARKER', "application/json")],
    ["a key set with invalid keys", json({ keys: ["MARKER"] })],
    ["a redirect", redirect("https://MARKER.example")],
    ["an endless body", endless],
    ["a closed connection", hangUp],
  ])("%s", async (_name, responder) => {
    const { url } = await startEndpoint(responder);
    const options = { issuer: issuer.issuer, audience: issuer.audience, clock: () => now };
    const remote = createVerifier({ ...options, jwks: `${url}/MARKER` });
    const token = await issuer.accessToken({ boundTo: client, claims: planted });
    const error = await rejectionOf(remote.verify(token, { clientCertificate: client.certificate }));
    expect(error.code).toBe("ERR_KEYS_UNAVAILABLE");
    expectNoSecrets(error, token);
  });
});
