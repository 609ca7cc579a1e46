// oxlint-disable vitest/expect-expect -- that a call compiles, or does not, is the assertion
import {
  type AccessToken,
  type AccessTokenClaims,
  AccessTokenError,
  type AccessTokenErrorCode,
  type Authenticator,
  type AuthenticatorOptions,
  type CertificatePolicy,
  certificateRules,
  certificateTenants,
  type ClientCertificate,
  createAuthenticator,
  fromProxy,
  rfc9440,
  createVerifier,
  httpRejection,
  type HttpRejection,
  type NodeRequest,
  type Requirements,
  type SignatureAlgorithm,
  tlsCertificate,
  type Verifier,
  type VerifierOptions,
} from "@certbound/core";
import type { X509Certificate } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import { describe, expectTypeOf, test } from "vitest";

declare const verifier: Verifier;
declare const accessToken: AccessToken;
declare const certificate: X509Certificate;
declare const request: IncomingMessage;

describe("the options of a verifier", () => {
  test("name asymmetric algorithms only", () => {
    createVerifier({ algorithms: ["RS256", "PS512", "ES256", "EdDSA", "Ed25519", "ML-DSA-65"] });
    expectTypeOf<"HS256" | "none">().not.toExtend<SignatureAlgorithm>();
    // @ts-expect-error -- symmetric
    createVerifier({ algorithms: ["HS256"] });
    // @ts-expect-error -- unsigned
    createVerifier({ algorithms: ["none"] });
  });

  test("can be undefined, like environment variables", () => {
    createVerifier({ issuer: process.env["ISSUER"], audience: process.env["AUDIENCE"], jwks: process.env["JWKS"] });
    const unset: VerifierOptions = {
      clockTolerance: undefined,
      tokenTypes: undefined,
      fetch: undefined,
      clock: undefined,
    };
    createVerifier({ ...unset, issuer: [{ issuer: "https://issuer.example", audience: undefined }] });
    // @ts-expect-error -- the issuer in a list must not be undefined
    createVerifier({ issuer: [{ issuer: process.env["ISSUER"], audience: "a" }] });
  });

  test("disable the audience check only with null", () => {
    createVerifier({ issuer: "https://issuer.example", audience: null });
    // @ts-expect-error -- false does not disable the check
    createVerifier({ issuer: "https://issuer.example", audience: false });
  });

  test("reject unknown names", () => {
    // @ts-expect-error -- misspelled
    createVerifier({ issuers: "https://issuer.example" });
    // @ts-expect-error -- a requirement of a route
    createVerifier({ issuer: "https://issuer.example", scopes: ["read"] });
  });
});

describe("verify", () => {
  test("requires a certificate, an error, or an explicit null", () => {
    void verifier.verify("token", { clientCertificate: null });
    void verifier.verify("token", { clientCertificate: certificate, scopes: ["read"] });
    void verifier.verify("token", { clientCertificate: new AccessTokenError("ERR_CERTIFICATE_UNTRUSTED") });
    // @ts-expect-error -- the certificate is missing
    void verifier.verify("token", {});
    // @ts-expect-error -- the certificate is missing
    void verifier.verify("token", { scopes: ["read"] });
    // @ts-expect-error -- the options are missing
    void verifier.verify("token");
    // @ts-expect-error -- null must be explicit
    void verifier.verify("token", { clientCertificate: undefined });
  });

  test("resolves with an access token", () => {
    expectTypeOf(verifier.verify("token", { clientCertificate: null })).resolves.toEqualTypeOf<AccessToken>();
  });
});

describe("requirements", () => {
  test("do not accept undefined", () => {
    const fromConfiguration = (): string[] | undefined => undefined;
    // @ts-expect-error -- a misspelled variable must not drop a requirement
    void verifier.verify("token", { clientCertificate: null, scopes: fromConfiguration() });
    // @ts-expect-error -- undefined must not drop a requirement
    expectTypeOf<{ maxAge: undefined }>().toExtend<Requirements>();
    // @ts-expect-error -- undefined must not drop a requirement
    createAuthenticator()({ authorize: undefined });
  });

  test("weaken the binding only with an explicit mode", () => {
    createAuthenticator()({ validateCertificateBinding: "when-bound" });
    createAuthenticator()({ validateCertificateBinding: "report-only" });
    // @ts-expect-error -- it cannot be disabled
    createAuthenticator()({ validateCertificateBinding: false });
    // @ts-expect-error -- a boolean can be false
    createAuthenticator()({ validateCertificateBinding: process.env["STRICT"] === "yes" });
  });

  test("pass the token and the request to authorize, which returns a boolean", () => {
    createAuthenticator<IncomingMessage>()({
      authorize: (token, incoming) => {
        expectTypeOf(token).toEqualTypeOf<AccessToken>();
        expectTypeOf(incoming).toEqualTypeOf<IncomingMessage>();
        return token.claims.sub === incoming.url;
      },
    });
    // @ts-expect-error -- a string instead of a boolean
    createAuthenticator()({ authorize: () => "yes" });
    // @ts-expect-error -- missing return value
    createAuthenticator()({ authorize: (token) => void token });
  });
});

describe("an access token", () => {
  test("has the client's certificate when the binding was verified", () => {
    if (accessToken.binding === "verified") {
      expectTypeOf(accessToken.clientCertificate).toEqualTypeOf<ClientCertificate>();
      // @ts-expect-error -- the only certificate is clientCertificate
      expectTypeOf(accessToken.presentedCertificate).toBeUnknown();
    }
    expectTypeOf(accessToken.clientCertificate).toEqualTypeOf<ClientCertificate | undefined>();
  });

  test("has only a presented certificate otherwise", () => {
    if (accessToken.binding === "verified") return;
    expectTypeOf(accessToken.clientCertificate).toEqualTypeOf<undefined>();
    expectTypeOf(accessToken.presentedCertificate).toEqualTypeOf<ClientCertificate | undefined>();
  });

  test("has the error when the binding was rejected", () => {
    if (accessToken.binding === "rejected") expectTypeOf(accessToken.bindingError).toEqualTypeOf<AccessTokenError>();
    // @ts-expect-error -- requires a check of `binding` first
    expectTypeOf(accessToken.bindingError).toBeUnknown();
  });

  test("has claims that cannot be changed", () => {
    const { claims } = accessToken;
    expectTypeOf(claims).toEqualTypeOf<AccessTokenClaims>();
    expectTypeOf(claims.sub).toEqualTypeOf<string | undefined>();
    expectTypeOf(claims["tenant"]).toBeUnknown();
    // @ts-expect-error -- readonly
    claims.sub = "other-client";
    // @ts-expect-error -- readonly
    accessToken.claims = {};
  });
});

describe("an authenticator", () => {
  test("accepts a verifier or verifier options", () => {
    createAuthenticator({ verifier, realm: "orders" });
    createAuthenticator({ issuer: "https://issuer.example", audience: "a", realm: "orders" });
    // @ts-expect-error -- the verifier has its issuer
    createAuthenticator({ verifier, issuer: "https://issuer.example" });
    // @ts-expect-error -- the verifier has its clock
    createAuthenticator({ verifier, clock: Date.now });
    // @ts-expect-error -- not a verifier
    createAuthenticator({ verifier: {} });
  });

  test("accepts requests of node:http and node:http2", () => {
    expectTypeOf<IncomingMessage>().toExtend<NodeRequest>();
    expectTypeOf<Http2ServerRequest>().toExtend<NodeRequest>();
    expectTypeOf(createAuthenticator()).toEqualTypeOf<Authenticator<NodeRequest>>();
    expectTypeOf(createAuthenticator<Http2ServerRequest>()()).parameters.toEqualTypeOf<[Http2ServerRequest]>();
    expectTypeOf(createAuthenticator()()(request)).resolves.toEqualTypeOf<AccessToken>();
    expectTypeOf(tlsCertificate(request)).toEqualTypeOf<ClientCertificate | null>();
    // @ts-expect-error -- neither a Node request nor a WHATWG one
    createAuthenticator<{ readonly req: IncomingMessage }>();
  });

  test("accepts WHATWG requests", () => {
    expectTypeOf(createAuthenticator<Request>()()).parameters.toEqualTypeOf<[Request]>();
    expectTypeOf(fromProxy(rfc9440(), { trust: { dangerouslyTrustEverySender: true } })).toBeCallableWith(
      new Request("https://api.example"),
    );
  });

  test("accepts synchronous and asynchronous resolvers", () => {
    const options: AuthenticatorOptions<IncomingMessage>[] = [
      { certificateResolver: () => "" },
      { certificateResolver: async () => null },
      { certificateResolver: tlsCertificate },
      { certificateResolver: () => new AccessTokenError("ERR_CERTIFICATE_MISSING") },
      { tokenResolver: ({ headers }) => headers["x-token"]?.toString() },
    ];
    options.push({
      // @ts-expect-error -- a number instead of a certificate
      certificateResolver: () => 42,
    });
  });
});

describe("a rejection", () => {
  test("is created only from an AccessTokenError", () => {
    const rejection = httpRejection(new AccessTokenError("ERR_TOKEN_EXPIRED"));
    expectTypeOf(rejection).toEqualTypeOf<HttpRejection>();
    expectTypeOf(rejection.headers).toEqualTypeOf<Readonly<Record<string, string>>>();
    // @ts-expect-error -- an error of the application
    httpRejection(new Error("the database is down"));
  });

  test("has a known error code", () => {
    expectTypeOf<AccessTokenError["code"]>().toEqualTypeOf<AccessTokenErrorCode>();
    // @ts-expect-error -- an unknown code
    void new AccessTokenError("ERR_OTHER");
  });
});

describe("a certificate policy", () => {
  test("returns a boolean or an error, synchronously or asynchronously", () => {
    const policies: CertificatePolicy[] = [
      () => true,
      async ({ x509 }) => x509 !== undefined,
      (_certificate, { now }) => (now > 0 ? true : new AccessTokenError("ERR_CERTIFICATE_UNTRUSTED")),
      certificateRules({ chainVerified: true, issuers: ["", new Uint8Array()] }),
    ];
    // @ts-expect-error -- resolves with undefined
    policies.push(async () => {});
  });

  test("has rules that do not accept false", () => {
    // @ts-expect-error -- false instead of omitting it
    certificateRules({ chainVerified: false });
    // @ts-expect-error -- any tenant requires an explicit null
    certificateRules({ tenant: { resolve: () => "acme" } });
  });

  test("returns the tenant of a certificate or of undefined", () => {
    const tenantOf = certificateTenants({ acme: { thumbprints: [""] } });
    expectTypeOf(tenantOf).parameters.toEqualTypeOf<[ClientCertificate | undefined]>();
    expectTypeOf(tenantOf).returns.toEqualTypeOf<string | undefined>();
    // @ts-expect-error -- validity does not identify a tenant
    certificateTenants({ acme: { currentlyValid: true } });
  });
});
