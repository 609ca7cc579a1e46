import { createSelfSignedCertificate } from "@certbound/testing";
import { exportJWK, generateKeyPair } from "jose";
import { describe, expect, test } from "vitest";
import type { ClientAuthentication } from "../../src/options/introspection-configuration.ts";
import { parseIntrospection } from "../../src/options/introspection-options.ts";

const { certificate, key } = await createSelfSignedCertificate();
const { privateKey } = await generateKeyPair("ES256", { extractable: true });
const jwk = await exportJWK(privateKey);

const bearerToken = (): string => "secret";
const credentials = { clientSecret: "secret", clientKey: jwk, clientTls: { cert: certificate, key }, bearerToken };
type Credential = keyof typeof credentials;

const methods: Readonly<Record<Exclude<ClientAuthentication["method"], "none">, Credential>> = {
  client_secret_basic: "clientSecret",
  client_secret_post: "clientSecret",
  private_key_jwt: "clientKey",
  tls_client_auth: "clientTls",
  self_signed_tls_client_auth: "clientTls",
  bearer: "bearerToken",
};

function parse(options: object, fetchIsGiven = false): ClientAuthentication {
  return parseIntrospection({ clientId: "api", ...options }, { discoverable: true, fetchIsGiven }).authentication;
}

function expectRejection(options: object, name: string, fetchIsGiven = false): void {
  expect(() => parse(options, fetchIsGiven)).toThrow(TypeError);
  expect(() => parse(options, fetchIsGiven)).toThrow(`option "${name}" in the introspection options`);
}

/** Returns the credentials with the given names. */
function some(...names: readonly Credential[]): object {
  return Object.fromEntries(names.map((name) => [name, credentials[name]]));
}

describe("the client authentication", () => {
  test.each<[Credential, string]>([
    ["clientSecret", "client_secret_basic"],
    ["clientKey", "private_key_jwt"],
    ["clientTls", "tls_client_auth"],
    ["bearerToken", "bearer"],
  ])("with %s is %s by default", (credential, method) => {
    expect(parse(some(credential)).method).toBe(method);
  });

  test.each(Object.entries(methods))("%s accepts only %s", (method, credential) => {
    const others = (Object.keys(credentials) as Credential[]).filter((name) => name !== credential);
    for (const other of others)
      expectRejection({ ...some(other), clientAuthentication: method }, "clientAuthentication");
    expect(parse({ ...some(credential), clientAuthentication: method }).method).toBe(method);
  });

  test.each(Object.entries(methods))("%s requires %s", (method, credential) => {
    expectRejection({ clientAuthentication: method }, credential);
    expectRejection({ clientAuthentication: method, [credential]: undefined }, credential);
  });

  test("requires a credential", () => {
    expectRejection({}, "clientSecret");
    expectRejection({ clientSecret: undefined }, "clientSecret");
    expectRejection({}, "clientSecret", true);
  });

  test.each<[Credential, Credential]>([
    ["clientSecret", "clientKey"],
    ["clientSecret", "clientTls"],
    ["clientKey", "clientTls"],
    ["clientSecret", "bearerToken"],
    ["clientKey", "bearerToken"],
    ["clientTls", "bearerToken"],
  ])("rejects %s together with %s for every method", (first, second) => {
    expectRejection(some(first, second), second);
    for (const clientAuthentication of Object.keys(methods)) {
      expectRejection({ ...some(first, second), clientAuthentication }, second);
    }
    expectRejection(some("clientSecret", "clientKey", "clientTls"), "clientKey");
  });

  test.each(Object.keys(credentials) as Credential[])("none does not accept %s", (credential) => {
    expectRejection({ ...some(credential), clientAuthentication: "none" }, "clientAuthentication");
    for (const fetchIsGiven of [true, false]) {
      expect(parse({ clientAuthentication: "none" }, fetchIsGiven)).toEqual({ method: "none" });
    }
  });

  test("contains only the members of its method", () => {
    expect(parse(some("clientSecret"))).toEqual({ method: "client_secret_basic", secret: "secret" });
    const post = { ...some("clientSecret"), clientAuthentication: "client_secret_post" };
    expect(parse(post)).toEqual({ method: "client_secret_post", secret: "secret" });
    expect(parse(some("clientKey"))).toEqual({
      method: "private_key_jwt",
      key: { ...jwk, alg: "ES256" },
      keyId: undefined,
    });
    expect(parse(some("bearerToken"))).toEqual({ method: "bearer", bearerToken });
    expect(parse(some("clientTls"))).toEqual({ method: "tls_client_auth", tls: { cert: certificate, key } });
  });
});

describe("a custom fetch", () => {
  test.each(["tls_client_auth", "self_signed_tls_client_auth"])("can present the certificate of %s", (method) => {
    expect(parse({ clientAuthentication: method }, true)).toEqual({ method, tls: undefined });
    expectRejection({ clientAuthentication: method }, "clientTls");
  });

  test("cannot be combined with clientTls", () => {
    expectRejection(some("clientTls"), "clientTls", true);
    expectRejection({ ...some("clientTls"), clientAuthentication: "tls_client_auth" }, "clientTls", true);
    expect(parse(some("clientTls"), false).method).toBe("tls_client_auth");
  });

  test("can send a secret or an assertion as well", () => {
    expect(parse(some("clientSecret"), true).method).toBe("client_secret_basic");
    expect(parse(some("clientKey"), true).method).toBe("private_key_jwt");
  });
});

describe("a credential", () => {
  test.each<[Credential, readonly unknown[]]>([
    ["bearerToken", ["", "token", 1, null, true, [], {}, Promise.resolve("token")]],
    ["clientKey", ["", "key", 1, null, true, [], {}, [jwk], key]],
    ["clientTls", [{}, { cert: certificate }, { key }, { cert: key, key: certificate }]],
  ])("is rejected if %s is ill-typed", (name, values) => {
    for (const value of values) expectRejection({ [name]: value }, name);
  });

  test.each([null, "", 1, true, [], certificate])("is rejected if clientTls is %j", (value) => {
    expect(() => parse({ clientTls: value })).toThrow(TypeError);
    expect(() => parse({ clientTls: value })).toThrow("clientTls must be an object");
  });
});
