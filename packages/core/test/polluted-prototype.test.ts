import { createHash } from "node:crypto";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createAuthenticator, protectedResourceMetadata } from "../src/authenticator.ts";
import { certificateRules } from "../src/certificate-policy/certificate-rules.ts";
import { parseClientCertificate } from "../src/certificate/client-certificate.ts";
import { isClientKey } from "../src/options/client-key.ts";
import { copyClientTls } from "../src/options/client-tls.ts";
import { AccessTokenError } from "../src/errors.ts";
import { nodeRequest } from "../src/http/incoming-request.ts";
import { discoverMetadata } from "../src/issuer/discovery.ts";
import { boundedFetch } from "../src/issuer/issuer-request.ts";
import { createKeySet } from "../src/issuer/keys/key-set.ts";
import { isJsonWebKeySet } from "../src/options/configuration.ts";
import { parseVerifierOptions } from "../src/options/verifier-options.ts";
import { httpRejection } from "../src/http/rejection.ts";
import { envoy } from "../src/proxy/formats/envoy.ts";
import { forwardedHeader } from "../src/proxy/formats/forwarded-header.ts";
import { kong } from "../src/proxy/formats/kong.ts";
import { fromProxy } from "../src/proxy/from-proxy.ts";
import { mutualTlsFetch } from "../src/issuer/introspection/mutual-tls-fetch.ts";
import { createVerifier } from "../src/verifier.ts";
import { endpointOf, secret, startIntrospectionEndpoint } from "./support/introspection-endpoint.ts";
import { json, startEndpoint, text } from "./support/endpoint.ts";
import { eventsOf } from "./support/events.ts";
import { requestWith, resolved, trust, verdict } from "./support/forwarding.ts";
import { clients, startGuardedEndpoint } from "./support/guarded-endpoint.ts";
import { introspectingVerifier } from "./support/introspecting-verifier.ts";
import { outcomeOf, reasonOf } from "./support/outcome.ts";
import { whilePrototypeIsPolluted, withPollutedPrototype } from "./support/polluted-prototype.ts";
import { client, now, seconds, startIssuer, thief, verifierOf } from "./support/verification.ts";

const issuer = await startIssuer();
const [bound, unbound] = await Promise.all([issuer.accessToken({ boundTo: client }), issuer.accessToken()]);
const { audience, jwks } = issuer;

beforeEach(() => {
  for (const name of ["CERTBOUND_ISSUER", "CERTBOUND_AUDIENCE", "CERTBOUND_JWKS_URI"]) vi.stubEnv(name, undefined);
});

afterEach(() => {
  vi.unstubAllEnvs();
});

describe("the requirements", () => {
  test.each(["report-only", "when-bound"])("of verify() are not weakened by an inherited mode %j", async (mode) => {
    const verifier = verifierOf(issuer);
    const verify = async (token: string, { certificate }: typeof client) =>
      outcomeOf(verifier.verify(token, { clientCertificate: certificate }));
    await whilePrototypeIsPolluted("validateCertificateBinding", mode, async () => {
      expect(await verify(bound, thief)).toBe("ERR_BINDING_MISMATCH");
      expect(await verify(unbound, client)).toBe("ERR_BINDING_REQUIRED");
      expect(await verify(bound, client)).toBe("accepted");
    });
  });

  test.each<[string, unknown]>([
    ["scopes", ["admin"]],
    ["groups", ["admin"]],
    ["acrValues", ["phr"]],
    ["maxAge", 1],
    ["authorize", true],
  ])("of a route do not inherit %s", async (name, value) => {
    const verifier = verifierOf(issuer);
    const accepted = whilePrototypeIsPolluted(name, value, () =>
      verifier.verify(bound, { clientCertificate: client.certificate }),
    );
    expect(await outcomeOf(accepted)).toBe("accepted");
  });
});

describe("the options", () => {
  const own = { issuer: issuer.issuer, audience, jwks };

  test.each<[string, unknown]>([
    ["CERTBOUND_ISSUER", "https://evil.example"],
    ["issuer", "https://evil.example"],
  ])("do not read an issuer from an inherited %s", (name, value) => {
    expect(() => withPollutedPrototype(name, value, () => parseVerifierOptions({ audience }))).toThrow(
      '"issuer" is required',
    );
  });

  test.each<[string, unknown]>([
    ["clockTolerance", 300],
    ["maxTokenAge", 10],
    ["tokenTypes", ["anything"]],
    ["profile", "fapi2"],
    ["verifiedTokens", 5],
  ])("filled from the environment do not inherit %s", (name, value) => {
    vi.stubEnv("CERTBOUND_ISSUER", "https://as.example");
    vi.stubEnv("CERTBOUND_AUDIENCE", "api");
    expect(withPollutedPrototype(name, value, () => parseVerifierOptions({}))).toEqual(parseVerifierOptions({}));
  });

  test.each<[string, unknown]>([
    ["jwks", "https://evil.example/keys"],
    ["introspection", { clientId: "evil", clientSecret: "secret" }],
    ["algorithms", ["EdDSA"]],
  ])("of one of several issuers do not inherit %s", (name, value) => {
    const options = { issuer: [{ issuer: "https://as.example" }], audience };
    expect(withPollutedPrototype(name, value, () => parseVerifierOptions(options))).toEqual(
      parseVerifierOptions(options),
    );
  });

  test.each<[string, unknown]>([
    ["verifier", {}],
    ["resource", "https://evil.example"],
    ["realm", "evil"],
  ])("of an authenticator do not inherit %s", (name, value) => {
    const { protectedResource } = withPollutedPrototype(name, value, () => createAuthenticator(own));
    expect(protectedResource).toBeUndefined();
  });

  test("of the metadata do not inherit scopes", () => {
    const options = { ...own, resource: "https://api.example" };
    const metadata = withPollutedPrototype("scopes", ["admin"], () => protectedResourceMetadata(options));
    expect(metadata).not.toHaveProperty("scopes_supported");
    expect(protectedResourceMetadata({ ...options, scopes: ["read"] }).scopes_supported).toEqual(["read"]);
  });

  test("reject a key set whose keys are inherited", () => {
    expect(withPollutedPrototype("keys", jwks.keys, () => isJsonWebKeySet({}))).toBe(false);
    expect(isJsonWebKeySet({ keys: jwks.keys })).toBe(true);
  });
});

describe("a certificate", () => {
  test("that the client did not present does not inherit a thumbprint, although getPeerCertificate() returns {}", () => {
    const parse = () => parseClientCertificate({} as never);
    expect(() => withPollutedPrototype("thumbprint", client.thumbprint, parse)).toThrow(TypeError);
  });

  test("does not inherit chainVerified", () => {
    const policy = certificateRules({ chainVerified: true });
    const decide = (given: object) =>
      policy(parseClientCertificate({ thumbprint: client.thumbprint, ...given }) as never, {
        claims: {},
        now: seconds,
      });
    expect(withPollutedPrototype("chainVerified", true, () => decide({}))).toBeInstanceOf(AccessTokenError);
    expect(decide({ chainVerified: true })).toBe(true);
  });

  test("cannot be selected by its names because of an inherited chainVerified", () => {
    const rules = { subjectAlternativeNames: { dns: ["client.example"] } };
    expect(() => withPollutedPrototype("chainVerified", true, () => certificateRules(rules))).toThrow(TypeError);
  });
});

describe("a forwarded certificate", () => {
  const { certificate, thumbprint, der } = client;
  const hash = createHash("sha256").update(der).digest("hex");

  test("is not read from an inherited list element", () => {
    const cert = encodeURIComponent(certificate);
    const headers = ["x-forwarded-client-cert", `Cert="${cert}"`];
    expect(withPollutedPrototype("0", hash, () => verdict(envoy(), headers))).toBe("ERR_CERTIFICATE_MALFORMED");
    expect(verdict(envoy(), ["x-forwarded-client-cert", `Hash=${hash};Cert="${cert}"`])).toBe(thumbprint);
  });

  test("requires the secret, despite an inherited option", () => {
    const make = () => fromProxy(kong(), { trust });
    expect(() => withPollutedPrototype("dangerouslyAssumeHeaderStripped", true, make)).toThrow("trust.secret");
    expect(fromProxy(kong({ dangerouslyAssumeHeaderStripped: true }), { trust })).toBeTypeOf("function");
  });

  test.each([undefined, true])(
    "has a verified chain only if its format has an own provesChain, here %s",
    (provesChain) => {
      const verify = { header: "x-verify", success: "OK", ...(provesChain && { provesChain }) };
      const headers = ["x-cert", hash, "x-verify", "OK"];
      const resolve = () => resolved(forwardedHeader({ header: "x-cert", encoding: "sha256-hex", verify }), headers);
      expect(withPollutedPrototype("provesChain", true, resolve)).toMatchObject({
        chainVerified: provesChain === true,
      });
    },
  );

  test("is not read from an inherited request", () => {
    const raw = requestWith(["x-cert", hash]);
    const unwrap = () => nodeRequest({} as never);
    withPollutedPrototype("raw", raw, () => expect(unwrap).toThrow(TypeError));
    expect(nodeRequest({ raw }).rawHeaders).toBe(raw.rawHeaders);
  });
});

describe("a rejection", () => {
  const header = (error: AccessTokenError) => httpRejection(error).headers;

  test.each<[string, unknown]>([
    ["challenge", { scopes: ["evil"] }],
    ["scopes", ["evil"]],
    ["maxAge", 1],
    ["names", ["scopes"]],
    ["retryAfter", 1e9],
    ["realm", "evil"],
    ["resource", "https://evil.example"],
  ])("does not inherit %s", (name, value) => {
    const make = () =>
      [
        new AccessTokenError("ERR_SCOPE_INSUFFICIENT", {}),
        new AccessTokenError("ERR_AUTHENTICATION_INSUFFICIENT", { challenge: { acrValues: ["phr"] } }),
        new AccessTokenError("ERR_TOKEN_EXPIRED"),
        new AccessTokenError("ERR_KEYS_UNAVAILABLE", { detail: "an outage" }),
      ].map(header);
    expect(withPollutedPrototype(name, value, make)).toEqual(make());
  });
});

describe("the keys of an issuer", () => {
  const [jwk] = jwks.keys;
  const withoutNames = { ...jwk, kid: undefined, alg: undefined };

  test.each<[string, unknown]>([
    ["d", "x"],
    ["k", "x"],
    ["kid", "evil"],
    ["alg", "RS256"],
    ["use", "enc"],
    ["key_ops", ["sign"]],
    ["crv", "P-521"],
    ["modulusLength", 1],
  ])("do not inherit %s", (name, value) => {
    const found = () => {
      const set = createKeySet({ keys: [JSON.parse(JSON.stringify(withoutNames)) as object] });
      return [
        set.find({ algorithm: "ES256", keyId: undefined }).length,
        set.find({ algorithm: "ES256", keyId: "evil" }),
      ];
    };
    expect(withPollutedPrototype(name, value, found)).toEqual([1, []]);
  });

  test("do not inherit a curve if their type has none", async () => {
    const { publicKey } = await generateKeyPair("RS256");
    const set = createKeySet({ keys: [await exportJWK(publicKey)] });
    const found = () => set.find({ algorithm: "RS256", keyId: undefined }).length;
    expect(withPollutedPrototype("crv", "P-256", found)).toBe(1);
  });

  test("are not inherited by a response without keys", async () => {
    const { url } = await startEndpoint(json({}));
    const verifier = createVerifier({ issuer: issuer.issuer, audience, jwks: url, clock: () => now });
    const verified = whilePrototypeIsPolluted("keys", jwks.keys, () =>
      outcomeOf(verifier.verify(bound, { clientCertificate: client.certificate })),
    );
    expect(await verified).toBe("ERR_KEYS_UNAVAILABLE");
  });
});

describe("the metadata of an issuer", () => {
  test.each(["issuer", "jwks_uri"])("does not inherit %s", async (name) => {
    const endpoint = await startEndpoint((response, path) => {
      const document = { issuer: endpoint.url, jwks_uri: `${endpoint.url}/keys`, [name]: undefined };
      json(document)(response, path);
    });
    const value = name === "issuer" ? endpoint.url : `${endpoint.url}/evil`;
    const found = whilePrototypeIsPolluted(name, value, () =>
      reasonOf(discoverMetadata(endpoint.url, "jwks_uri", boundedFetch(fetch))),
    );
    expect(await found).toMatchObject({ name: "IssuerRequestError" });
  });

  test.each<[string, (url: string) => unknown]>([
    ["mtls_endpoint_aliases", (url) => ({ introspection_endpoint: url })],
    ["introspection_endpoint", (url) => url],
  ])("does not inherit an alias, through %s", async (name, polluted) => {
    const plain = await startIntrospectionEndpoint();
    const issuing = await startEndpoint((response, path) => {
      const aliases = name === "introspection_endpoint" ? { mtls_endpoint_aliases: {} } : {};
      json({ issuer: issuing.url, introspection_endpoint: plain.url, ...aliases })(response, path);
    });
    const options = { clientId: "api", clientAuthentication: "tls_client_auth" };
    const endpoint = endpointOf(options, { issuer: issuing.url, fetch });
    const located = whilePrototypeIsPolluted(name, polluted("https://evil.example"), () => endpoint.locate());
    expect(await located).toBe(plain.url);
  });
});

describe("introspection", () => {
  test("checks the audience of an opaque token, despite inherited claims", async () => {
    const opaque = await startIntrospectionEndpoint(json({ active: true, cnf: { "x5t#S256": client.thumbprint } }));
    const verifier = introspectingVerifier(issuer, { endpoint: opaque.url, cacheDuration: 0 });
    const verify = () => outcomeOf(verifier.verify("opaque", { clientCertificate: client.certificate }));
    expect(await whilePrototypeIsPolluted("claims", {}, verify)).toBe("ERR_TOKEN_AUDIENCE");
    opaque.respondWith(json({ active: true, aud: audience, cnf: { "x5t#S256": client.thumbprint } }));
    expect(await whilePrototypeIsPolluted("claims", {}, verify)).toBe("accepted");
  });

  test.each<[string, unknown]>([
    ["use_mtls_endpoint_aliases", true],
    ["mtls_endpoint_aliases", { introspection_endpoint: "https://evil.example" }],
    ["introspection_signed_response_alg", "RS256"],
    ["headers", { "x-evil": "1" }],
    ["elapsed", 1],
    ["statusText", "\n"],
    ["duplex", "evil"],
  ])("sends the same request if %s is inherited", async (name, value) => {
    const endpoint = await startIntrospectionEndpoint();
    const introspect = () => endpointOf({ ...secret, endpoint: endpoint.url }).introspect("token");
    expect(await introspect()).toEqual({ active: true });
    expect(await whilePrototypeIsPolluted(name, value, introspect)).toEqual({ active: true });
    const [first, second] = endpoint.recordedRequests;
    expect(second?.form).toEqual(first?.form);
    expect(Object.keys(second?.headers ?? {})).toEqual(Object.keys(first?.headers ?? {}));
  });

  test("uses the custom fetch if tls is inherited", async () => {
    const { url } = await startIntrospectionEndpoint();
    const urls: unknown[] = [];
    const counting: typeof fetch = async (target, init) => {
      urls.push(target);
      return fetch(target, init);
    };
    const introspect = () => endpointOf({ ...secret, endpoint: url }, { fetch: counting }).introspect("token");
    expect(await whilePrototypeIsPolluted("tls", { rejectUnauthorized: false }, introspect)).toEqual({ active: true });
    expect(urls).toEqual([`${url}/`]);
  });

  test("rejects a response that inherits active", async () => {
    const endpoint = await startIntrospectionEndpoint(json({}));
    const introspect = () => reasonOf(endpointOf({ ...secret, endpoint: endpoint.url }).introspect("token"));
    expect(await whilePrototypeIsPolluted("active", true, introspect)).toMatchObject({ name: "IssuerRequestError" });
  });

  test.each<[string, unknown]>([
    ["iss", "https://as.example"],
    ["aud", "api"],
    ["iat", seconds],
    ["token_introspection", { active: true }],
    ["typ", "token-introspection+jwt"],
    ["kid", "evil"],
  ])(
    "accepts a signed response with an own %s, and rejects a signed response that inherits it",
    async (name, value) => {
      const { privateKey, publicKey } = await generateKeyPair("ES256");
      const claims = { iss: "https://as.example", aud: "api", iat: seconds, token_introspection: { active: true } };
      const header = { alg: "ES256", typ: "token-introspection+jwt", ...(name === "kid" && { kid: "own" }) };
      const sign = (given: object) =>
        new SignJWT({ ...claims, ...given }).setProtectedHeader({ ...header, ...given }).sign(privateKey);
      const keys = { keys: [{ ...(await exportJWK(publicKey)), kid: "own" }] };
      const endpoint = await startIntrospectionEndpoint(text(await sign({}), "application/token-introspection+jwt"));
      const options = { jwks: keys, clock: () => now };
      const introspect = () =>
        endpointOf({ ...secret, endpoint: endpoint.url, signedResponse: true }, options).introspect("token");
      expect(await whilePrototypeIsPolluted(name, value, introspect)).toEqual({ active: true });
      if (name === "kid") return;
      endpoint.respondWith(text(await sign({ [name]: undefined }), "application/token-introspection+jwt"));
      const reason = await whilePrototypeIsPolluted(name, value, () => reasonOf(introspect()));
      expect(reason).toMatchObject({ name: "IssuerRequestError" });
    },
  );

  test.each<[string, unknown]>([
    ["ca", clients.certificate],
    ["passphrase", "evil"],
  ])("over mutual TLS does not inherit %s", (name, value) => {
    const given = { cert: client.certificate, key: client.key };
    expect(withPollutedPrototype(name, value, () => copyClientTls(given))).toEqual({ ...given, [name]: undefined });
  });

  test.each<[string, (ca: string) => unknown]>([
    ["ca", (ca) => ca],
    ["tls", () => ({ rejectUnauthorized: false })],
    ["rejectUnauthorized", () => false],
  ])("over mutual TLS does not trust a server because of an inherited %s", async (name, value) => {
    const { certificate: cert, key } = await clients.issueClientCertificate();
    const { url, ca, thumbprints } = await startGuardedEndpoint({ active: true });
    const reason = whilePrototypeIsPolluted(name, value(ca), () => reasonOf(mutualTlsFetch({ cert, key })(url)));
    expect(await reason).toBeInstanceOf(Error);
    expect(thumbprints).toEqual([]);
    expect((await mutualTlsFetch({ cert, key, ca })(url)).status).toBe(200);
  });

  test("checks only the own members of a clientKey", async () => {
    const { privateKey } = await generateKeyPair("ES256", { extractable: true });
    const jwk = await exportJWK(privateKey);
    expect(withPollutedPrototype("0", "ES256", () => isClientKey({ kty: "oct", k: "x" }))).toBe(false);
    expect(withPollutedPrototype("d", jwk.d, () => isClientKey({ ...jwk, d: undefined }))).toBe(false);
    expect(withPollutedPrototype("kid", 1, () => isClientKey(jwk))).toBe(true);
    expect(withPollutedPrototype("modulusLength", 1, () => isClientKey(privateKey))).toBe(true);
  });
});

describe("a decision", () => {
  test.each(["detail", "issuer", "claims", "cached"])("does not inherit %s", async (name) => {
    const events = eventsOf("certbound:decision");
    const authenticate = createAuthenticator({ verifier: verifierOf(issuer) })();
    const send = () => outcomeOf(authenticate({ rawHeaders: [], socket: {} }));
    await send();
    await whilePrototypeIsPolluted(name, "evil", send);
    const [first, second] = events.map((event) => ({ ...event, duration: 0 }));
    expect(second).toEqual(first);
  });

  test("has no detail if its error has none", async () => {
    const events = eventsOf("certbound:decision");
    const verifier = verifierOf(issuer);
    const clientCertificate = new AccessTokenError("ERR_CERTIFICATE_UNTRUSTED");
    await whilePrototypeIsPolluted("detail", "evil", async () => {
      expect(await outcomeOf(verifier.verify(bound, { clientCertificate }))).toBe("ERR_CERTIFICATE_UNTRUSTED");
      const reported = verifier.verify(bound, { clientCertificate, validateCertificateBinding: "report-only" });
      expect(await outcomeOf(reported)).toBe("accepted");
    });
    expect(events.map((event) => Object.hasOwn(event, "detail"))).toEqual([false, false]);
  });
});
