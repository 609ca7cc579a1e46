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
    // @ts-expect-error -- no signature
    createVerifier({ algorithms: ["none"] });
  });

  test("may be undefined, as environment variables are", () => {
    createVerifier({ issuer: process.env["ISSUER"], audience: process.env["AUDIENCE"], jwks: process.env["JWKS"] });
    const unset: VerifierOptions = {
      clockTolerance: undefined,
      tokenTypes: undefined,
      fetch: undefined,
      clock: undefined,
    };
    createVerifier({ ...unset, issuer: [{ issuer: "https://issuer.example", audience: undefined }] });
    // @ts-expect-error -- which issuer it is cannot be left open
    createVerifier({ issuer: [{ issuer: process.env["ISSUER"], audience: "a" }] });
  });

  test("skip the audience by null alone", () => {
    createVerifier({ issuer: "https://issuer.example", audience: null });
    // @ts-expect-error -- not by false
    createVerifier({ issuer: "https://issuer.example", audience: false });
  });

  test("are known by name", () => {
    // @ts-expect-error -- misspelled
    createVerifier({ issuers: "https://issuer.example" });
    // @ts-expect-error -- a requirement of a route
    createVerifier({ issuer: "https://issuer.example", scopes: ["read"] });
  });
});

describe("verify", () => {
  test("requires the certificate, or null in so many words", () => {
    void verifier.verify("token", { clientCertificate: null });
    void verifier.verify("token", { clientCertificate: certificate, scopes: ["read"] });
    void verifier.verify("token", { clientCertificate: new AccessTokenError("ERR_CERTIFICATE_UNTRUSTED") });
    // @ts-expect-error -- the certificate is missing
    void verifier.verify("token", {});
    // @ts-expect-error -- the certificate is missing
    void verifier.verify("token", { scopes: ["read"] });
    // @ts-expect-error -- the options are missing
    void verifier.verify("token");
    // @ts-expect-error -- undefined is no answer
    void verifier.verify("token", { clientCertificate: undefined });
  });

  test("gives an accepted token", () => {
    expectTypeOf(verifier.verify("token", { clientCertificate: null })).resolves.toEqualTypeOf<AccessToken>();
  });
});

describe("requirements", () => {
  test("do not take undefined for a list that is not given", () => {
    const fromConfiguration = (): string[] | undefined => undefined;
    // @ts-expect-error -- a misspelled variable must not drop a requirement
    void verifier.verify("token", { clientCertificate: null, scopes: fromConfiguration() });
    // @ts-expect-error -- the same
    expectTypeOf<{ maxAge: undefined }>().toExtend<Requirements>();
    // @ts-expect-error -- the same
    createAuthenticator()({ authorize: undefined });
  });

  test("weaken the binding by name only", () => {
    createAuthenticator()({ validateCertificateBinding: "when-bound" });
    createAuthenticator()({ validateCertificateBinding: "report-only" });
    // @ts-expect-error -- there is no way to switch it off
    createAuthenticator()({ validateCertificateBinding: false });
    // @ts-expect-error -- a boolean that may be false
    createAuthenticator()({ validateCertificateBinding: process.env["STRICT"] === "yes" });
  });

  test("let authorize see the token and the request, and decide by a boolean", () => {
    createAuthenticator<IncomingMessage>()({
      authorize: (token, incoming) => {
        expectTypeOf(token).toEqualTypeOf<AccessToken>();
        expectTypeOf(incoming).toEqualTypeOf<IncomingMessage>();
        return token.claims.sub === incoming.url;
      },
    });
    // @ts-expect-error -- a text is no decision
    createAuthenticator()({ authorize: () => "yes" });
    // @ts-expect-error -- forgotten return
    createAuthenticator()({ authorize: (token) => void token });
  });
});

describe("an access token", () => {
  test("has the client's certificate when the binding was verified", () => {
    if (accessToken.binding === "verified") {
      expectTypeOf(accessToken.clientCertificate).toEqualTypeOf<ClientCertificate>();
      // @ts-expect-error -- there is one certificate, and it is the client's
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
    // @ts-expect-error -- not before it is known that it was
    expectTypeOf(accessToken.bindingError).toBeUnknown();
  });

  test("has claims that cannot be changed", () => {
    const { claims } = accessToken;
    expectTypeOf(claims).toEqualTypeOf<AccessTokenClaims>();
    expectTypeOf(claims.sub).toEqualTypeOf<string | undefined>();
    expectTypeOf(claims["tenant"]).toBeUnknown();
    // @ts-expect-error -- readonly
    claims.sub = "somebody-else";
    // @ts-expect-error -- readonly
    accessToken.claims = {};
  });
});

describe("an authenticator", () => {
  test("takes a verifier, or the options of one", () => {
    createAuthenticator({ verifier, realm: "orders" });
    createAuthenticator({ issuer: "https://issuer.example", audience: "a", realm: "orders" });
    // @ts-expect-error -- the verifier has its issuer
    createAuthenticator({ verifier, issuer: "https://issuer.example" });
    // @ts-expect-error -- the verifier has its clock
    createAuthenticator({ verifier, clock: Date.now });
    // @ts-expect-error -- no verifier
    createAuthenticator({ verifier: {} });
  });

  test("reads requests of node:http and node:http2", () => {
    expectTypeOf<IncomingMessage>().toExtend<NodeRequest>();
    expectTypeOf<Http2ServerRequest>().toExtend<NodeRequest>();
    expectTypeOf(createAuthenticator()).toEqualTypeOf<Authenticator<NodeRequest>>();
    expectTypeOf(createAuthenticator<Http2ServerRequest>()()).parameters.toEqualTypeOf<[Http2ServerRequest]>();
    expectTypeOf(createAuthenticator()()(request)).resolves.toEqualTypeOf<AccessToken>();
    expectTypeOf(tlsCertificate(request)).toEqualTypeOf<ClientCertificate | null>();
    // @ts-expect-error -- neither a Node request nor a WHATWG one
    createAuthenticator<{ readonly req: IncomingMessage }>();
  });

  test("reads WHATWG requests", () => {
    expectTypeOf(createAuthenticator<Request>()()).parameters.toEqualTypeOf<[Request]>();
    expectTypeOf(fromProxy(rfc9440(), { trust: { dangerouslyTrustEverySender: true } })).toBeCallableWith(
      new Request("https://api.example"),
    );
  });

  test("takes resolvers that answer at once or later", () => {
    const options: AuthenticatorOptions<IncomingMessage>[] = [
      { certificateResolver: () => "" },
      { certificateResolver: async () => null },
      { certificateResolver: tlsCertificate },
      { certificateResolver: () => new AccessTokenError("ERR_CERTIFICATE_MISSING") },
      { tokenResolver: ({ headers }) => headers["x-token"]?.toString() },
    ];
    options.push({
      // @ts-expect-error -- a number is no certificate
      certificateResolver: () => 42,
    });
  });
});

describe("a rejection", () => {
  test("is the answer to an AccessTokenError, and to no other error", () => {
    const rejection = httpRejection(new AccessTokenError("ERR_TOKEN_EXPIRED"));
    expectTypeOf(rejection).toEqualTypeOf<HttpRejection>();
    expectTypeOf(rejection.headers).toEqualTypeOf<Readonly<Record<string, string>>>();
    // @ts-expect-error -- not the client's fault
    httpRejection(new Error("the database is down"));
  });

  test("has a code of a closed list", () => {
    expectTypeOf<AccessTokenError["code"]>().toEqualTypeOf<AccessTokenErrorCode>();
    // @ts-expect-error -- no such code
    void new AccessTokenError("ERR_OTHER");
  });
});

describe("a certificate policy", () => {
  test("answers at once or later, by a boolean or by the error that says why", () => {
    const policies: CertificatePolicy[] = [
      () => true,
      async ({ x509 }) => x509 !== undefined,
      (_certificate, { now }) => (now > 0 ? true : new AccessTokenError("ERR_CERTIFICATE_UNTRUSTED")),
      certificateRules({ chainVerified: true, issuers: ["", new Uint8Array()] }),
    ];
    // @ts-expect-error -- a promise of nothing decides nothing
    policies.push(async () => {});
  });

  test("has rules that cannot be switched off by false", () => {
    // @ts-expect-error -- leave it out
    certificateRules({ chainVerified: false });
    // @ts-expect-error -- any tenant is written out as null
    certificateRules({ tenant: { resolve: () => "acme" } });
  });

  test("knows the tenant of a certificate, or of none", () => {
    const tenantOf = certificateTenants({ acme: { thumbprints: [""] } });
    expectTypeOf(tenantOf).parameters.toEqualTypeOf<[ClientCertificate | undefined]>();
    expectTypeOf(tenantOf).returns.toEqualTypeOf<string | undefined>();
    // @ts-expect-error -- validity is no property of a tenant
    certificateTenants({ acme: { currentlyValid: true } });
  });
});
