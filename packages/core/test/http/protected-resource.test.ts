import { describe, expect, test } from "vitest";
import {
  type AuthenticatorOptions,
  createAuthenticator,
  protectedResourceMetadata,
  type ProtectedResourceOptions,
} from "../../src/authenticator.ts";
import type { NodeRequest } from "../../src/http/incoming-request.ts";
import { createVerifier } from "../../src/verifier.ts";

const issuer = { issuer: "https://issuer.example", audience: "https://api.example" };
const resource = "https://api.example/v1";
const plain = {
  resource,
  authorization_servers: ["https://issuer.example"],
  bearer_methods_supported: ["header"],
  tls_client_certificate_bound_access_tokens: true,
};

type Options = ProtectedResourceOptions<NodeRequest>;

describe("protectedResourceMetadata", () => {
  test("lists the enforced settings and omits members without a value", () => {
    expect(protectedResourceMetadata({ ...issuer, resource })).toStrictEqual(plain);
  });

  test("lists the scopes that routes require", () => {
    expect(protectedResourceMetadata({ ...issuer, resource, scopes: ["read", "write", "read"] })).toStrictEqual({
      ...plain,
      scopes_supported: ["read", "write"],
    });
  });

  test("lists the issuers of a shared verifier", () => {
    const verifier = createVerifier({
      audience: null,
      issuer: [{ issuer: "https://one.example" }, { issuer: "https://two.example" }],
    });
    expect(protectedResourceMetadata({ verifier, resource })).toStrictEqual({
      ...plain,
      authorization_servers: ["https://one.example", "https://two.example"],
    });
  });

  test("omits an authorization server whose identifier is not a URL", () => {
    const jwks = "https://issuer.example/jwks";
    const { authorization_servers: _, ...rest } = plain;
    expect(protectedResourceMetadata({ issuer: "accounts", audience: "a", jwks, resource })).toStrictEqual(rest);
  });

  test.each<[string, Partial<Options>]>([
    ["a tokenResolver finds tokens", { tokenResolver: () => null }],
    ["the scheme Bearer is not accepted", { schemes: ["mtls_pop"] }],
  ])("omits the bearer methods if %s", (_name, options) => {
    const { bearer_methods_supported: _, ...rest } = plain;
    expect(protectedResourceMetadata({ ...issuer, resource, ...options } as Options)).toStrictEqual(rest);
  });

  test("lists the header method if Bearer is one of several schemes, in any letter case", () => {
    expect(protectedResourceMetadata({ ...issuer, resource, schemes: ["mtls_pop", "BEARER"] })).toStrictEqual(plain);
  });

  test("includes additional members and ignores later changes to them", () => {
    const resourceMetadata = { resource_name: "Payments", "resource_name#de": "Zahlungen", x: { y: ["z"] }, none: [] };
    const { protectedResource } = createAuthenticator({ ...issuer, resource, resourceMetadata });
    resourceMetadata.x.y.push("changed");
    const metadata = protectedResource?.metadata();
    expect(metadata).toStrictEqual({
      ...plain,
      resource_name: "Payments",
      "resource_name#de": "Zahlungen",
      x: { y: ["z"] },
    });
    expect(() => (metadata as unknown as { x: { y: string[] } }).x.y.push("changed")).toThrow(TypeError);
  });

  test("lets the application override the scopes", () => {
    const resourceMetadata = { scopes_supported: ["read"] };
    expect(protectedResourceMetadata({ ...issuer, resource, scopes: ["write"], resourceMetadata })).toStrictEqual({
      ...plain,
      scopes_supported: ["read"],
    });
  });

  test.each<[string, object, RegExp]>([
    ["no resource", {}, /"resource" is missing/],
    ["a resource that is not https", { resource: "http://api.example" }, /"resource"/],
    ["scopes that are not a list", { resource, scopes: "read" }, /"scopes"/],
    ["an unknown option", { resource, scope: ["read"] }, /"scope"/],
    ["metadata that is not an object", { resource, resourceMetadata: [] }, /"resourceMetadata"/],
    ["metadata that cannot be serialized as JSON", { resource, resourceMetadata: { n: 1n } }, /"resourceMetadata"/],
    [
      "metadata without the option resource",
      { resourceMetadata: { resource_name: "a" } },
      /"resourceMetadata" requires/,
    ],
    ["a resource in the metadata", { resource, resourceMetadata: { resource } }, /"resourceMetadata"/],
    [
      "authorization servers in the metadata",
      { resource, resourceMetadata: { authorization_servers: [] } },
      /"resourceMetadata"/,
    ],
    [
      "bearer methods in the metadata",
      { resource, resourceMetadata: { bearer_methods_supported: [] } },
      /"resourceMetadata"/,
    ],
    [
      "the certificate binding in the metadata",
      { resource, resourceMetadata: { tls_client_certificate_bound_access_tokens: false } },
      /"resourceMetadata"/,
    ],
  ])("rejects %s", (_name, options, message) => {
    expect(() => protectedResourceMetadata({ ...issuer, ...options })).toThrow(message);
    expect(() => protectedResourceMetadata({ ...issuer, ...options })).toThrow(TypeError);
  });
});

describe("the protected resource of an authenticator", () => {
  const authenticatorOf = (options: Partial<AuthenticatorOptions<NodeRequest>>) =>
    createAuthenticator({ ...issuer, ...options } as AuthenticatorOptions<NodeRequest>);

  test("is undefined without a resource", () => {
    expect(authenticatorOf({}).protectedResource).toBeUndefined();
    expect(authenticatorOf({ resource }).protectedResource).toBeDefined();
  });

  test("lists the scopes of the routes created so far", () => {
    const protect = authenticatorOf({ resource });
    const scopesNow = () => protect.protectedResource?.metadata().scopes_supported;
    protect();
    expect(scopesNow()).toBeUndefined();
    protect({ scopes: ["read", "list"] });
    protect({ scopes: ["write", "read"] });
    expect(scopesNow()).toEqual(["read", "list", "write"]);
  });

  test.each([
    ["https://api.example", "/.well-known/oauth-protected-resource"],
    ["https://api.example/", "/.well-known/oauth-protected-resource"],
    ["https://api.example/v1", "/.well-known/oauth-protected-resource/v1"],
    ["https://api.example/v1/", "/.well-known/oauth-protected-resource/v1/"],
    ["https://api.example/v1?a=b", "/.well-known/oauth-protected-resource/v1?a=b"],
  ])("for %s is served at %s", (identifier, path) => {
    const { protectedResource } = authenticatorOf({ resource: identifier });
    expect(protectedResource?.path).toBe(path);
    expect(protectedResource?.matches("GET", path)).toBe(true);
  });

  test.each<[boolean, string | undefined, string | undefined]>([
    [true, "GET", "/.well-known/oauth-protected-resource/v1"],
    [true, "HEAD", "/.well-known/oauth-protected-resource/v1"],
    [true, "GET", "/.well-known/oauth-protected-resource/v1?a=b"],
    [false, "POST", "/.well-known/oauth-protected-resource/v1"],
    [false, "get", "/.well-known/oauth-protected-resource/v1"],
    [false, undefined, "/.well-known/oauth-protected-resource/v1"],
    [false, "GET", "/.well-known/oauth-protected-resource"],
    [false, "GET", "/.well-known/oauth-protected-resource/v1/accounts"],
    [false, "GET", "/.well-known/oauth-protected-resource/v12"],
    [false, "GET", "/v1/.well-known/oauth-protected-resource/v1"],
    [false, "GET", "/v1"],
    [false, "GET", undefined],
  ])("matches only GET and HEAD of its path: %s for %s %s", (expected, method, target) => {
    expect(authenticatorOf({ resource }).protectedResource?.matches(method, target)).toBe(expected);
  });

  test("with a query matches only a request with exactly this query", () => {
    const { protectedResource } = authenticatorOf({ resource: "https://api.example/v1?a=b" });
    const base = "/.well-known/oauth-protected-resource/v1";
    expect(protectedResource?.matches("GET", `${base}?a=b`)).toBe(true);
    for (const query of ["", "?a=c", "?a=b?c", "?a=b&c=d"]) {
      expect(protectedResource?.matches("GET", base + query)).toBe(false);
    }
  });
});
