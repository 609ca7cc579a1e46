import { connect } from "node:http2";
import { Agent, request as httpsRequest } from "node:https";
import { tamperSignature } from "@certbound/testing";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { AccessToken } from "../src/access-token.ts";
import { type AuthenticatorOptions, createAuthenticator } from "../src/authenticator.ts";
import type { NodeRequest } from "../src/http/incoming-request.ts";
import type { Requirements } from "../src/requirements.ts";
import { parseClientCertificate } from "../src/certificate/client-certificate.ts";
import { introspectionOf, introspectionCount } from "./support/introspecting-verifier.ts";
import { type Outcome, outcomeOf } from "./support/outcome.ts";
import { startCachingApi } from "./support/caching-api.ts";
import { requestWith } from "./support/requests.ts";
import { startHttp2Server, startHttpsServer } from "./support/tls-server.ts";
import { client, now, startIssuer, startIssuerInTest, thief, verifierOf } from "./support/verification.ts";

const issuer = await startIssuer();
const token = await issuer.accessToken({ boundTo: client, claims: { scope: "read" } });
const unbound = await issuer.accessToken();
const tampered = tamperSignature(token);

/** The same object for all requests, as on a connection whose certificate cannot change. */
const own = parseClientCertificate(client.der);
const other = parseClientCertificate(thief.der);

type Options = AuthenticatorOptions<NodeRequest>;
type Authenticate = (
  credentials: string | readonly string[],
  requirements?: Requirements<NodeRequest>,
) => Promise<AccessToken>;

/** Creates an API with one connection. `present` changes the client's certificate on it. */
function connected(options: Partial<Options> = {}) {
  const socket = {};
  let certificate = own ?? null;
  const present = { certificateResolver: () => certificate };
  const authenticator = createAuthenticator({ verifier: verifierOf(issuer), ...present, ...options } as Options);
  const authenticate: Authenticate = (credentials, requirements = {}) =>
    authenticator(requirements)({ ...requestWith(...[credentials].flat()), socket });
  return {
    authenticate,
    outcome: (...given: Parameters<Authenticate>): Promise<Outcome> => outcomeOf(authenticate(...given)),
    present: (presented: typeof own) => {
      certificate = presented ?? null;
    },
  };
}

describe("an authenticator, on a connection whose last request was accepted", () => {
  test("accepts the same token again, with the same claims and certificate", async () => {
    const { authenticate } = connected();
    const first = await authenticate(`Bearer ${token}`);
    const second = await authenticate(`Bearer ${token}`);
    expect(second).toEqual(first);
    expect(second.claims).toBe(first.claims);
    expect(second.clientCertificate).toBe(own);
    expect([first, second].every(Object.isFrozen)).toBe(true);
  });

  test.each([
    ["another scheme", `Basic ${token}`, "ERR_TOKEN_MISSING"],
    ["no header", [], "ERR_TOKEN_MISSING"],
    ["the header twice", [`Bearer ${token}`, `Bearer ${token}`], "ERR_REQUEST_MALFORMED"],
    ["an additional token", `Bearer ${token} ${token}`, "ERR_REQUEST_MALFORMED"],
    ["trailing white space", `Bearer ${token} `, "ERR_REQUEST_MALFORMED"],
    ["one character less", `Bearer ${token.slice(0, -1)}`, "ERR_TOKEN_MALFORMED"],
    ["four additional characters", `Bearer ${token}AAAA`, "ERR_TOKEN_SIGNATURE"],
    ["another signature", `Bearer ${tampered}`, "ERR_TOKEN_SIGNATURE"],
    ["another letter case", `Bearer ${token.toLowerCase()}`, "ERR_TOKEN_MALFORMED"],
    ["another token", `Bearer ${unbound}`, "ERR_BINDING_REQUIRED"],
  ])("rejects a request with %s, and accepts the first token again", async (_name, credentials, code) => {
    const { outcome } = connected();
    expect(await outcome(`Bearer ${token}`)).toBe("accepted");
    expect(await outcome(credentials)).toBe(code);
    expect(await outcome(credentials)).toBe(code);
    expect(await outcome(`Bearer ${token}`)).toBe("accepted");
  });

  test("rejects the same token with another certificate and without a certificate", async () => {
    const { outcome, present } = connected();
    expect(await outcome(`Bearer ${token}`)).toBe("accepted");
    present(other);
    expect(await outcome(`Bearer ${token}`)).toBe("ERR_BINDING_MISMATCH");
    present(undefined);
    expect(await outcome(`Bearer ${token}`)).toBe("ERR_CERTIFICATE_MISSING");
    present(own);
    expect(await outcome(`Bearer ${token}`)).toBe("accepted");
    present(parseClientCertificate(client.certificate));
    expect(await outcome(`Bearer ${token}`)).toBe("accepted");
  });

  test("checks the requirements of each route", async () => {
    const { authenticate, outcome } = connected();
    const authorize = vi.fn<(accessToken: AccessToken, request: NodeRequest) => boolean>(() => false);
    expect(await outcome(`Bearer ${token}`, { scopes: ["read"] })).toBe("accepted");
    expect(await outcome(`Bearer ${token}`, { scopes: ["write"] })).toBe("ERR_SCOPE_INSUFFICIENT");
    expect(await outcome(`Bearer ${token}`, { maxAge: 60 })).toBe("ERR_AUTHENTICATION_INSUFFICIENT");
    expect(await outcome(`Bearer ${token}`, { authorize })).toBe("ERR_ACCESS_DENIED");
    expect(authorize).toHaveBeenCalledExactlyOnceWith(await authenticate(`Bearer ${token}`), expect.anything());
  });

  test("accepts an unbound token only in modes that permit it, and does not attribute a certificate to it", async () => {
    const { authenticate, outcome, present } = connected();
    const whenBound = { validateCertificateBinding: "when-bound" } as const;
    const reportOnly = { validateCertificateBinding: "report-only" } as const;
    for (const presented of [own, other, own]) {
      present(presented);
      const certificates = { clientCertificate: undefined, presentedCertificate: presented };
      expect(await authenticate(`Bearer ${unbound}`, whenBound)).toMatchObject({ binding: "unbound", ...certificates });
      expect(await authenticate(`Bearer ${unbound}`, reportOnly)).toMatchObject({
        binding: "rejected",
        ...certificates,
      });
      expect(await outcome(`Bearer ${unbound}`)).toBe("ERR_BINDING_REQUIRED");
    }
    expect(await authenticate(`Bearer ${token}`, reportOnly)).toMatchObject({
      binding: "verified",
      clientCertificate: own,
    });
    present(other);
    expect(await authenticate(`Bearer ${token}`, reportOnly)).toMatchObject({
      binding: "rejected",
      clientCertificate: undefined,
    });
    expect(await outcome(`Bearer ${token}`, whenBound)).toBe("ERR_BINDING_MISMATCH");
  });

  test("rejects a token from the second it expires, and a token that is not valid yet", async () => {
    let time = now;
    const { outcome } = connected({ verifier: verifierOf(issuer, { clock: () => time, clockTolerance: 0 }) });
    const shortLived = await issuer.accessToken({ boundTo: client, expiresIn: 60, claims: { nbf: now / 1000 } });
    for (const [passed, expected] of [
      [0, "accepted"],
      [59_999, "accepted"],
      [60_000, "ERR_TOKEN_EXPIRED"],
      [0, "accepted"],
      [-1, "ERR_TOKEN_NOT_YET_VALID"],
    ] as const) {
      time = now + passed;
      expect(await outcome(`Bearer ${shortLived}`)).toBe(expected);
    }
  });

  test("verifies a token again for another API on the same connection", async () => {
    const socket = {};
    const present = { certificateResolver: () => own ?? null };
    const bySchemes = [["Bearer", "mtls_pop"], ["Bearer"]].map((schemes) =>
      createAuthenticator({ verifier: verifierOf(issuer), ...present, schemes })(),
    );
    const elsewhere = createAuthenticator({
      verifier: verifierOf(issuer, { audience: "https://other.example" }),
      ...present,
    })();
    const from = (credentials: string) => ({ ...requestWith(credentials), socket });
    const outcomes = [];
    for (const authenticate of [...bySchemes, elsewhere]) {
      outcomes.push([
        await outcomeOf(authenticate(from(`mtls_pop ${token}`))),
        await outcomeOf(authenticate(from(`Bearer ${token}`))),
      ]);
    }
    expect(outcomes).toEqual([
      ["accepted", "accepted"],
      ["ERR_TOKEN_MISSING", "accepted"],
      ["ERR_TOKEN_MISSING", "ERR_TOKEN_AUDIENCE"],
    ]);
  });

  test("calls the tokenResolver for each request", async () => {
    const given = [token, token, unbound, tampered, null, token];
    const { outcome } = connected({ tokenResolver: () => given.shift() });
    const outcomes = [];
    for (let remaining = given.length; remaining > 0; remaining -= 1) outcomes.push(await outcome([]));
    expect(outcomes).toEqual([
      "accepted",
      "accepted",
      "ERR_BINDING_REQUIRED",
      "ERR_TOKEN_SIGNATURE",
      "ERR_TOKEN_MISSING",
      "accepted",
    ]);
  });
});

describe("a token that was accepted before on the same connection", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["performance"] });
    vi.advanceTimersByTime(1000);
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test("is rejected once the issuer has removed its key", async () => {
    const rotating = await startIssuerInTest();
    const bound = await rotating.accessToken({ boundTo: client });
    const { published, replaceKeys } = await startCachingApi(rotating);
    const verifier = verifierOf(rotating, { jwks: `${published.url}/jwks` });
    const { outcome } = connected({ verifier });
    expect(await outcome(`Bearer ${bound}`)).toBe("accepted");
    await rotating.rotateKeys();
    await replaceKeys(rotating.jwks);
    vi.advanceTimersByTime(10_000);
    expect(await outcome(`Bearer ${await rotating.accessToken({ boundTo: client })}`)).toBe("accepted");
    expect(await outcome(`Bearer ${bound}`)).toBe("ERR_TOKEN_KEY_UNKNOWN");
  });

  test("is verified again after 300 s", async () => {
    const { authenticate } = connected();
    const { claims } = await authenticate(`Bearer ${token}`);
    vi.advanceTimersByTime(299_999);
    expect((await authenticate(`Bearer ${token}`)).claims).toBe(claims);
    vi.advanceTimersByTime(2);
    const again = await authenticate(`Bearer ${token}`);
    expect(again.claims).not.toBe(claims);
    expect(again.claims).toEqual(claims);
  });

  test("is verified for every request if tokens are not cached", async () => {
    const { authenticate } = connected({ verifier: verifierOf(issuer, { verifiedTokens: false }) });
    const { claims } = await authenticate(`Bearer ${token}`);
    expect((await authenticate(`Bearer ${token}`)).claims).not.toBe(claims);
  });

  test("is introspected for every request with always", async () => {
    const freshIssuer = await startIssuerInTest();
    const jwt = await freshIssuer.accessToken({ boundTo: client });
    const introspection = introspectionOf(freshIssuer, { always: true, cacheDuration: 0 });
    const { outcome } = connected({ verifier: verifierOf(freshIssuer, { introspection }) });
    expect(await outcome(`Bearer ${jwt}`)).toBe("accepted");
    expect(await outcome(`Bearer ${jwt}`)).toBe("accepted");
    expect(introspectionCount(freshIssuer)).toBe(2);
    freshIssuer.revoke(jwt);
    expect(await outcome(`Bearer ${jwt}`)).toBe("ERR_TOKEN_INACTIVE");
  });

  test("is introspected for every request if it is opaque and responses are not cached", async () => {
    const freshIssuer = await startIssuerInTest();
    const opaque = await freshIssuer.opaqueToken({ boundTo: client });
    const introspection = introspectionOf(freshIssuer, { cacheDuration: 0 });
    const { outcome, present } = connected({ verifier: verifierOf(freshIssuer, { introspection }) });
    expect(await outcome(`Bearer ${opaque}`)).toBe("accepted");
    present(other);
    expect(await outcome(`Bearer ${opaque}`)).toBe("ERR_BINDING_MISMATCH");
    present(own);
    freshIssuer.revoke(opaque);
    expect(await outcome(`Bearer ${opaque}`)).toBe("ERR_TOKEN_INACTIVE");
  });
});

describe("a real connection", () => {
  // The Authorization header of each request on one connection, and the expected status of its response.
  const credentials = [token, token, unbound, token, tampered, token].map((text) => `Bearer ${text}`);
  const expected = ["200", "200", "401", "200", "401", "200"];
  const authenticate = createAuthenticator({ verifier: verifierOf(issuer) })();

  test("over HTTP/1.1 gives each of its requests a separate decision", async () => {
    const sockets = new Set<unknown>();
    const { url, ca } = await startHttpsServer((request, response) => {
      sockets.add(request.socket);
      authenticate(request).then(
        () => response.writeHead(200).end(),
        () => response.writeHead(401).end(),
      );
    });
    const agent = new Agent({ keepAlive: true, maxSockets: 1, ca, cert: client.certificate, key: client.key });
    const statuses = [];
    for (const authorization of credentials) {
      statuses.push(
        await new Promise<string>((resolve, reject) => {
          httpsRequest(url, { agent, headers: { authorization } }, (response) => {
            response.resume().on("end", () => resolve(String(response.statusCode)));
          })
            .on("error", reject)
            .end();
        }),
      );
    }
    agent.destroy();
    expect(statuses).toEqual(expected);
    expect(sockets.size).toBe(1);
  });

  test("over HTTP/2 gives each of its requests a separate decision, also with many simultaneous requests", async () => {
    const { url, ca } = await startHttp2Server((request, response) => {
      authenticate(request).then(
        () => response.writeHead(200).end(),
        () => response.writeHead(401).end(),
      );
    });
    const session = connect(url, { ca, cert: client.certificate, key: client.key });
    const send = (authorization: string): Promise<string> =>
      new Promise((resolve, reject) => {
        const stream = session.request({ authorization }).on("error", reject);
        stream.on("response", (headers) => void stream.resume().on("end", () => resolve(String(headers[":status"]))));
      });
    try {
      const statuses = [];
      for (const authorization of credentials) statuses.push(await send(authorization));
      expect(statuses).toEqual(expected);
      expect(await Promise.all([...credentials, ...credentials].map(send))).toEqual([...expected, ...expected]);
    } finally {
      session.close();
    }
  });
});
