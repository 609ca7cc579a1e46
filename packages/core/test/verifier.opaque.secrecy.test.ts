import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { createSelfSignedCertificate } from "@certbound/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { VerifierOptions } from "../src/options/configuration.ts";
import type { AccessTokenError } from "../src/errors.ts";
import type { IntrospectionOptions } from "../src/options/introspection-configuration.ts";
import { httpRejection } from "../src/http/rejection.ts";
import type { VerifyOptions } from "../src/requirements.ts";
import { type Responder, endless, hangUp, json, redirect, startEndpoint, status, text } from "./support/endpoint.ts";
import { everythingOf } from "./support/everything-of.ts";
import { introspectingVerifier } from "./support/introspecting-verifier.ts";
import { type Outcome, rejectionOf } from "./support/outcome.ts";
import { seconds, startIssuer } from "./support/verification.ts";

const client = await createSelfSignedCertificate({ commonName: "MARKER" });
const other = await createSelfSignedCertificate({ commonName: "MARKER" });
const issuer = await startIssuer();
const { clientId, clientSecret } = issuer.introspectionClient;
const token = "MARKER-an.opaque_token+for/this~file==";

const planted = { sub: "MARKER", jti: "MARKER", username: "MARKER", deep: { MARKER: ["MARKER"] } };
const good = { active: true, aud: issuer.audience, cnf: { "x5t#S256": client.thumbprint }, ...planted };

/** Must not be in errors, responses or events: the token, its response, and the credentials of this API. */
const secrets: readonly string[] = [
  "MARKER",
  token,
  encodeURIComponent(token),
  clientSecret,
  Buffer.from(`${clientId}:${clientSecret}`).toString("base64"),
  Buffer.from("api:MARKER").toString("base64"),
  client.thumbprint,
  other.thumbprint,
  issuer.audience,
];

const events: unknown[] = [];
const listen = (event: unknown) => void events.push(event);
beforeEach(() => subscribe("certbound:introspection", listen));
afterEach(() => {
  unsubscribe("certbound:introspection", listen);
  events.length = 0;
});

/** Verifies the token, and expects a rejection that contains no secret. */
async function rejectionWithoutSecrets(
  introspection: Partial<IntrospectionOptions>,
  use: Partial<VerifyOptions> = {},
  options: VerifierOptions = {},
): Promise<Outcome> {
  const verifier = introspectingVerifier(issuer, introspection, options);
  const error = await rejectionOf(verifier.verify(token, { clientCertificate: client.certificate, ...use }));
  expectNoSecrets(error);
  return error.code;
}

function expectNoSecrets(error: AccessTokenError): void {
  const shown = [everythingOf(error), JSON.stringify(httpRejection(error)), JSON.stringify(events)].join("\n");
  expect(secrets.filter((secret) => shown.includes(secret))).toEqual([]);
  expect(error.detail).toMatch(/./);
  expect(Object.hasOwn(error, "cause")).toBe(false);
}

describe("a rejection does not contain the opaque token or its response:", () => {
  test.each<[Outcome, object, Partial<VerifyOptions>?]>([
    ["ERR_CERTIFICATE_MISSING", {}, { clientCertificate: null }],
    ["ERR_CERTIFICATE_MALFORMED", {}, { clientCertificate: "MARKER" }],
    ["ERR_TOKEN_INACTIVE", { active: false }],
    ["ERR_INTROSPECTION_UNAVAILABLE", { active: "MARKER" }],
    ["ERR_TOKEN_TYPE", { token_type: "MARKER" }],
    ["ERR_TOKEN_TYPE", { token_type: ["MARKER"] }],
    ["ERR_TOKEN_ISSUER", { iss: "https://MARKER.example" }],
    ["ERR_TOKEN_AUDIENCE", { aud: "MARKER" }],
    ["ERR_TOKEN_AUDIENCE", { aud: { MARKER: "MARKER" } }],
    ["ERR_TOKEN_EXPIRED", { exp: 1 }],
    ["ERR_TOKEN_NOT_YET_VALID", { nbf: seconds + 60 }],
    ["ERR_TOKEN_CLAIM", { exp: "MARKER" }],
    ["ERR_TOKEN_CLAIM", { sub: ["MARKER"] }],
    ["ERR_TOKEN_CLAIM", { scope: { MARKER: "MARKER" } }],
    ["ERR_BINDING_REQUIRED", { cnf: undefined }],
    ["ERR_BINDING_MALFORMED", { cnf: "MARKER" }],
    ["ERR_BINDING_MALFORMED", { cnf: { "x5t#S256": "MARKER" } }],
    ["ERR_BINDING_UNSUPPORTED", { cnf: { MARKER: "MARKER" } }],
    ["ERR_BINDING_MISMATCH", {}, { clientCertificate: other.certificate }],
    ["ERR_SCOPE_INSUFFICIENT", { scope: "MARKER" }, { scopes: ["admin"] }],
    ["ERR_ACCESS_DENIED", { groups: ["MARKER"] }, { groups: ["staff"] }],
    ["ERR_AUTHENTICATION_INSUFFICIENT", { acr: "MARKER" }, { acrValues: ["gold"] }],
  ])("%s (L-01, L-02)", async (code, members, use) => {
    issuer.introspectAs(token, { ...good, ...members });
    expect(await rejectionWithoutSecrets({}, use)).toBe(code);
  });

  test.each(["MARKER MARKER", `MARKER${"a".repeat(16_384)}`, "MARKERé"])("ERR_TOKEN_MALFORMED", async (malformed) => {
    const verifying = introspectingVerifier(issuer).verify(malformed, { clientCertificate: client.certificate });
    const error = await rejectionOf(verifying);
    expect(error.code).toBe("ERR_TOKEN_MALFORMED");
    expectNoSecrets(error);
  });

  test("a reported rejection, and the event of an active response", async () => {
    issuer.introspectAs(token, good);
    const use = { clientCertificate: other.certificate, validateCertificateBinding: "report-only" } as const;
    const accessToken = await introspectingVerifier(issuer).verify(token, use);
    const { bindingError } = accessToken as { readonly bindingError: AccessTokenError };
    expect(bindingError.code).toBe("ERR_BINDING_MISMATCH");
    expectNoSecrets(bindingError);
    expect(events).toEqual([{ issuer: issuer.issuer, outcome: "active", duration: expect.any(Number) as number }]);
  });
});

describe("a rejection does not contain an invalid response of the issuer:", async () => {
  const badlySigned = await issuer.accessToken({ claims: { token_introspection: good } });
  const signed = "application/token-introspection+jwt";

  test.each<[string, Responder, sent?: number]>([
    ["an error page", status(500, good)],
    ["an OAuth error", status(400, { error: "MARKER", error_description: "MARKER" })],
    [
      "a challenge",
      (response) => void response.writeHead(401, { "www-authenticate": 'Basic realm="MARKER"' }).end("MARKER"),
    ],
    ["a reason phrase", (response) => void response.writeHead(403, "MARKER").end()],
    ["HTML", text("<h1>MARKER</h1>", "text/html")],
    ["half of a document", text('{"active":"MARKER', "application/json")],
    ["a custom media type", text("MARKER", "application/MARKER")],
    ["an unsigned token", text("MARKER.MARKER.MARKER", signed)],
    ["a badly signed token", text(badlySigned, signed)],
    ["a redirect", redirect("https://MARKER.example")],
    ["an endless body", endless],
    ["a closed connection", hangUp, 2],
  ])("%s (L-01, L-02)", async (_name, responder, sent = 1) => {
    const { url, requests } = await startEndpoint(responder);
    const introspection = { endpoint: `${url}/MARKER?MARKER=MARKER`, clientSecret: "MARKER" };
    expect(await rejectionWithoutSecrets(introspection)).toBe("ERR_INTROSPECTION_UNAVAILABLE");
    expect(requests).toHaveLength(sent);
    expect(events).toMatchObject([{ outcome: "unavailable" }]);
  });

  test.each<[string, Responder]>([
    ["an error page", status(500, { MARKER: "MARKER" })],
    [
      "metadata of another issuer",
      json({ issuer: "https://MARKER.example", introspection_endpoint: "https://MARKER" }),
    ],
    ["metadata with a bad endpoint", json({ issuer: issuer.issuer, introspection_endpoint: "MARKER" })],
    ["HTML", text("<h1>MARKER</h1>", "text/html")],
  ])("%s as metadata", async (_name, responder) => {
    const { url } = await startEndpoint(responder);
    const options = { issuer: url, jwks: issuer.jwks };
    const code = await rejectionWithoutSecrets({ endpoint: undefined, clientSecret: "MARKER" }, {}, options);
    expect(code).toBe("ERR_INTROSPECTION_UNAVAILABLE");
  });

  test("the error of a fetch function", async () => {
    const failing: typeof fetch = async (_url, init) => {
      throw new Error(`MARKER ${clientSecret} ${await new Response(init?.body ?? null).text()}`);
    };
    const code = await rejectionWithoutSecrets({}, {}, { fetch: failing });
    expect(code).toBe("ERR_INTROSPECTION_UNAVAILABLE");
  });

  test("an invalid response during ready()", async () => {
    const { url } = await startEndpoint(status(500, { MARKER: "MARKER" }));
    const options = { issuer: `${url}/path`, jwks: issuer.jwks };
    const verifier = introspectingVerifier(issuer, { endpoint: undefined, clientSecret: "MARKER" }, options);
    const error = await rejectionOf(verifier.ready());
    expect(error.code).toBe("ERR_INTROSPECTION_UNAVAILABLE");
    events.length = 0;
    expectNoSecrets(error);
  });
});
