import { forwardedHeaders, tamperSignature } from "@certbound/testing";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { AccessToken } from "../src/access-token.ts";
import { type AuthenticatorOptions, createAuthenticator } from "../src/authenticator.ts";
import { acceptCachedRequest, acceptCachedToken } from "../src/cached-token.ts";
import { createCredentialSources } from "../src/credentials.ts";
import type { NodeRequest, NodeSocket } from "../src/http/incoming-request.ts";
import { parseRequirements, type Requirements } from "../src/requirements.ts";
import { nginx } from "../src/proxy/formats/nginx.ts";
import { fromProxy } from "../src/proxy/from-proxy.ts";
import { tlsCertificate } from "../src/certificate/tls-certificate.ts";
import { connectionOf, fastPath, partsOfVerifier, requestOver, type Use } from "./support/cached-requests.ts";
import { eventsOf } from "./support/events.ts";
import { introspectingVerifier, introspectionCount } from "./support/introspecting-verifier.ts";
import { outcomeOf } from "./support/outcome.ts";
import { client, now, seconds, startIssuer, startIssuerInTest, thief, verifierOf } from "./support/verification.ts";

const issuer = await startIssuer();
const claims = { scope: "read", groups: ["staff"], acr: "strong", auth_time: seconds };
const token = await issuer.accessToken({ boundTo: client, claims });

const socket = connectionOf(client);

function requestWith(authorization: readonly string[], from: NodeSocket = socket, rest: readonly string[] = []) {
  return requestOver(authorization, from, rest);
}

const good = requestWith([`Bearer ${token}`]);

/** Returns the parts of a verifier that has already verified these tokens for the client. */
async function partsWith(tokens: readonly string[], options: Parameters<typeof verifierOf>[1] = {}) {
  const verifier = verifierOf(issuer, options);
  for (const each of tokens) await verifier.verify(each, { clientCertificate: client.certificate });
  return partsOfVerifier(verifier);
}

const parts = await partsWith([token]);

/** Runs the fast path; the token is cached, unless `use` has other parts. */
function fast(request: NodeRequest, use: Partial<Use> = {}): AccessToken | undefined {
  return fastPath(request, { parts, ...use });
}

describe("the fast path", () => {
  test("accepts a cached token with the client certificate of the connection", () => {
    const accepted = fast(good);
    expect(accepted).toEqual({
      format: "jwt",
      claims: expect.any(Object),
      binding: "verified",
      clientCertificate: tlsCertificate(good),
    });
    expect(accepted?.clientCertificate?.thumbprint).toBe(client.thumbprint);
    expect(Object.isFrozen(accepted)).toBe(true);
  });

  test("accepts a cached token with every requirement except authorize", () => {
    const requirements = { scopes: ["read"], groups: ["staff"], acrValues: ["strong"], maxAge: 60 };
    expect(fast(good, { requirements })).toBeDefined();
    for (const mode of ["when-bound", "report-only"] as const) {
      expect(fast(good, { requirements: { ...requirements, validateCertificateBinding: mode } })).toBeDefined();
    }
  });

  test.each<[string, NodeRequest]>([
    ["without a token", requestWith([])],
    ["with two Authorization headers", requestWith([`Bearer ${token}`, `Bearer ${token}`])],
    ["with another scheme", requestWith([`Basic ${token}`])],
    ["with two spaces", requestWith([`Bearer  ${token}`])],
    ["with a tab", requestWith([`Bearer\t${token}`])],
    ["with white space at the end", requestWith([`Bearer ${token} `])],
    ["with a second token", requestWith([`Bearer ${token} ${token}`])],
    ["with another signature", requestWith([`Bearer ${tamperSignature(token)}`])],
    ["with another start", requestWith([`Bearer x${token}`])],
    ["with another end", requestWith([`Bearer ${token.slice(0, -1)}`])],
    ["from another client", requestWith([`Bearer ${token}`], connectionOf(thief))],
    ["without a certificate", requestWith([`Bearer ${token}`], {})],
    [
      "while a renegotiation is in progress",
      requestWith(
        [`Bearer ${token}`],
        connectionOf(client, { getProtocol: () => "TLSv1.2", getCipher: () => undefined }),
      ),
    ],
    [
      "over a closed connection",
      requestWith([`Bearer ${token}`], connectionOf(client, { getProtocol: () => null, getCipher: () => null })),
    ],
    [
      "with an incomplete header list",
      requestWith(
        [`Bearer ${token}`],
        socket,
        Array.from({ length: 1998 }, () => "x"),
      ),
    ],
    ["that is an empty object", {} as NodeRequest],
  ])("leaves a request %s to the full verification", (_what, request) => {
    expect(fast(request)).toBeUndefined();
  });

  test("accepts the longest complete header list", () => {
    expect(
      fast(
        requestWith(
          [`Bearer ${token}`],
          socket,
          Array.from({ length: 1996 }, () => "x"),
        ),
      ),
    ).toBeDefined();
  });

  test.each<[string, Requirements<NodeRequest>]>([
    ["another scope", { scopes: ["read", "write"] }],
    ["another group", { groups: ["board"] }],
    ["another acr", { acrValues: ["stronger"] }],
  ])("leaves a token to the full verification if the route requires %s", (_what, requirements) => {
    expect(fast(good, { requirements })).toBeUndefined();
  });

  test("leaves unbound tokens, and tokens bound to a key or another certificate, to the full verification", async () => {
    const cached = await Promise.all([
      issuer.accessToken({ claims: { cnf: { "x5t#S256": client.thumbprint, jkt: "key" } } }),
      issuer.accessToken({ boundTo: thief }),
      issuer.accessToken(),
    ]);
    const verifier = verifierOf(issuer);
    // Under report-only, they are accepted and cached.
    for (const each of cached) {
      await verifier.verify(each, { clientCertificate: client.certificate, validateCertificateBinding: "report-only" });
    }
    for (const each of cached) {
      expect(partsOfVerifier(verifier).verifiedTokens.find(each)).toBeDefined();
      expect(fast(requestWith([`Bearer ${each}`]), { parts: partsOfVerifier(verifier) })).toBeUndefined();
    }
  });

  test("leaves a token to the full verification if the mode does not accept its type", async () => {
    const generic = await issuer.accessToken({ boundTo: client, header: { typ: "JWT" } });
    const own = await partsWith([generic]);
    const request = requestWith([`Bearer ${generic}`]);
    expect(fast(request, { parts: own })).toBeDefined();
    expect(fast(request, { parts: own, requirements: { validateCertificateBinding: "when-bound" } })).toBeUndefined();
  });

  test("leaves a token to the full verification as soon as it has expired", async () => {
    let time = now;
    const own = await partsWith([token], { clock: () => time });
    time = now + 304_999;
    expect(fast(good, { parts: own })).toBeDefined();
    time = now + 305_000;
    expect(fast(good, { parts: own })).toBeUndefined();
  });

  test("leaves the request to the full verification if the clock fails", async () => {
    let fails = false;
    const clock = (): number => {
      if (fails) throw new Error("x");
      return now;
    };
    const own = await partsWith([token], { clock });
    expect(fast(good, { parts: own })).toBeDefined();
    fails = true;
    expect(fast(good, { parts: own })).toBeUndefined();
    expect(
      acceptCachedToken(
        own.verifiedTokens.find(token),
        tlsCertificate(good),
        parseRequirements({}, own.configuration),
        own.configuration,
      ),
    ).toBeUndefined();
  });

  test("accepts a certificate only if the proxy sent it, and leaves any other to the full verification", () => {
    const secret = { header: "x-proxy-secret", value: "a-secret-of-the-proxy-and-the-API-only" };
    const resolvers = { certificateResolver: fromProxy(nginx(), { trust: { secret } }) };
    const forwarded = Object.entries(forwardedHeaders("nginx", client)).flat();
    const from = (headers: readonly string[], over: NodeSocket = {}) =>
      requestWith([`Bearer ${token}`], over, [...headers, ...forwarded]);
    const proof = [secret.header, secret.value];
    expect(fast(from(proof), { resolvers })?.clientCertificate?.thumbprint).toBe(client.thumbprint);
    expect(fast(from([]), { resolvers })).toBeUndefined();
    const renegotiating = { getProtocol: () => "TLSv1.2", getCipher: () => undefined };
    expect(fast(from(proof, renegotiating), { resolvers })).toBeUndefined();
    expect(fast(from(proof, { ...renegotiating, getCipher: () => ({}) }), { resolvers })).toBeDefined();
  });

  test("leaves every request to the full verification if tokens are not cached", async () => {
    expect(fast(good, { parts: await partsWith([token], { verifiedTokens: false }) })).toBeUndefined();
  });

  test("is not used with a certificate that this package has not parsed", () => {
    const requirements = parseRequirements({}, parts.configuration);
    const cached = parts.verifiedTokens.find(token);
    const certificate = tlsCertificate(good);
    const lookalike = { thumbprint: client.thumbprint, x509: undefined, chainVerified: true };
    expect(acceptCachedToken(cached, certificate, requirements, parts.configuration)).toBeDefined();
    expect(acceptCachedToken(cached, lookalike, requirements, parts.configuration)).toBeUndefined();
    expect(acceptCachedToken(cached, null, requirements, parts.configuration)).toBeUndefined();
    expect(
      acceptCachedToken(cached, Promise.resolve(certificate) as never, requirements, parts.configuration),
    ).toBeUndefined();
  });
});

describe("a cached token", () => {
  type Options = Partial<AuthenticatorOptions<NodeRequest>>;

  /** Sends the same good request twice. */
  async function sendTwice(options: Options, requirements: Requirements<NodeRequest> = {}): Promise<void> {
    const all = { verifier: verifierOf(issuer), ...options } as AuthenticatorOptions<NodeRequest>;
    const authenticate = createAuthenticator(all)(requirements);
    await authenticate(good);
    await authenticate(good);
  }

  test("is passed to authorize for each request", async () => {
    const authorize = vi.fn<() => boolean>(() => true);
    await sendTwice({}, { authorize });
    expect(authorize).toHaveBeenCalledTimes(2);
  });

  test("is checked by the certificate policy for each request", async () => {
    const certificatePolicy = vi.fn<() => boolean>(() => true);
    await sendTwice({ verifier: verifierOf(issuer, { certificatePolicy }) });
    expect(certificatePolicy).toHaveBeenCalledTimes(2);
  });

  test("is found by the tokenResolver once for each request", async () => {
    const tokenResolver = vi.fn<() => string>(() => token);
    await sendTwice({ tokenResolver });
    expect(tokenResolver).toHaveBeenCalledTimes(2);
  });

  test("gets its certificate from a custom certificateResolver once for each request", async () => {
    const certificateResolver = vi.fn<() => string>(() => client.certificate);
    await sendTwice({ certificateResolver });
    expect(certificateResolver).toHaveBeenCalledTimes(2);
  });

  test("causes a decision event for each request", async () => {
    const events = eventsOf("certbound:decision");
    await sendTwice({});
    expect(events).toMatchObject([
      { outcome: "accepted", cached: false },
      { outcome: "accepted", cached: true },
    ]);
  });

  test("is introspected for each request with always", async () => {
    const freshIssuer = await startIssuerInTest();
    const verifier = introspectingVerifier(freshIssuer, { always: true, cacheDuration: 0 });
    const bound = await freshIssuer.accessToken({ boundTo: client });
    const authenticate = createAuthenticator({ verifier })();
    await authenticate(requestWith([`Bearer ${bound}`]));
    await authenticate(requestWith([`Bearer ${bound}`]));
    expect(introspectionCount(freshIssuer)).toBe(2);
  });

  test("causes one read of the certificate, as does an uncached token, while a malformed header causes none", async () => {
    const getPeerX509Certificate = vi.fn<NonNullable<NodeSocket["getPeerX509Certificate"]>>(
      socket.getPeerX509Certificate,
    );
    const over = () => connectionOf(client, { getPeerX509Certificate });
    const authenticate = createAuthenticator({ verifier: verifierOf(issuer) })();
    await authenticate(requestWith([`Bearer ${token}`], over()));
    getPeerX509Certificate.mockClear();
    await authenticate(requestWith([`Bearer ${token}`], over()));
    expect(getPeerX509Certificate).toHaveBeenCalledTimes(1);
    await outcomeOf(authenticate(requestWith([`Bearer ${tamperSignature(token)}`], over())));
    expect(getPeerX509Certificate).toHaveBeenCalledTimes(2);
    await outcomeOf(authenticate(requestWith(["Bearer a b"], over())));
    expect(getPeerX509Certificate).toHaveBeenCalledTimes(2);
    await createAuthenticator({ verifier: verifierOf(issuer) })({ authorize: () => true })(
      requestWith([`Bearer ${token}`], over()),
    );
    expect(getPeerX509Certificate).toHaveBeenCalledTimes(3);
  });

  test("causes one inspection of its connection", async () => {
    const disableRenegotiation = vi.fn<() => void>();
    const from = connectionOf(client, { getProtocol: () => "TLSv1.2", disableRenegotiation });
    const sources = createCredentialSources<NodeRequest>({ schemes: ["Bearer"] });
    const requirements = parseRequirements<NodeRequest>({}, parts.configuration);
    for (let count = 0; count < 2; count += 1) {
      expect(
        acceptCachedRequest(requestWith([`Bearer ${token}`], from), requirements, { sources, parts }),
      ).toBeDefined();
    }
    expect(disableRenegotiation).toHaveBeenCalledOnce();
  });

  describe("with a fake clock", () => {
    beforeEach(() => {
      vi.useFakeTimers({ toFake: ["performance"] });
      // As in a process that has been running for a while.
      vi.advanceTimersByTime(1000);
    });
    afterEach(() => {
      vi.useRealTimers();
    });

    test("is left to the full verification after 300 s", async () => {
      const own = await partsWith([token], { clock: () => now });
      vi.advanceTimersByTime(300_000);
      expect(fast(good, { parts: own })).toBeDefined();
      vi.advanceTimersByTime(1);
      expect(fast(good, { parts: own })).toBeUndefined();
    });
  });
});
