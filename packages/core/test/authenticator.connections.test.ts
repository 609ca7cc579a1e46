import { connect } from "node:http2";
import { Agent, request as httpsRequest } from "node:https";
import { tamperSignature } from "@certbound/testing";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { AccessToken } from "../src/access-token.ts";
import { type AuthenticatorOptions, createAuthenticator } from "../src/authenticator.ts";
import type { NodeRequest } from "../src/http/incoming-request.ts";
import type { Requirements } from "../src/requirements.ts";
import { parseClientCertificate } from "../src/certificate/client-certificate.ts";
import { introspectionOf, timesAsked } from "./support/introspecting-verifier.ts";
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
type Answer = (
  credentials: string | readonly string[],
  requirements?: Requirements<NodeRequest>,
) => Promise<AccessToken>;

/** An API and one connection to it, whose client may come to present another certificate. */
function connected(options: Partial<Options> = {}) {
  const socket = {};
  let certificate = own ?? null;
  const present = { certificateResolver: () => certificate };
  const authenticator = createAuthenticator({ verifier: verifierOf(issuer), ...present, ...options } as Options);
  const answer: Answer = (credentials, requirements = {}) =>
    authenticator(requirements)({ ...requestWith(...[credentials].flat()), socket });
  return {
    answer,
    outcome: (...of: Parameters<Answer>): Promise<Outcome> => outcomeOf(answer(...of)),
    present: (presented: typeof own) => {
      certificate = presented ?? null;
    },
  };
}

describe("on a connection whose last request was accepted", () => {
  test("the same token is accepted again, with the same claims and certificate", async () => {
    const { answer } = connected();
    const first = await answer(`Bearer ${token}`);
    const second = await answer(`Bearer ${token}`);
    expect(second).toEqual(first);
    expect(second.claims).toBe(first.claims);
    expect(second.clientCertificate).toBe(own);
    expect([first, second].every(Object.isFrozen)).toBe(true);
  });

  test.each([
    ["another scheme", `Basic ${token}`, "ERR_TOKEN_MISSING"],
    ["no header", [], "ERR_TOKEN_MISSING"],
    ["the header twice", [`Bearer ${token}`, `Bearer ${token}`], "ERR_REQUEST_MALFORMED"],
    ["a token more", `Bearer ${token} ${token}`, "ERR_REQUEST_MALFORMED"],
    ["white space at its end", `Bearer ${token} `, "ERR_REQUEST_MALFORMED"],
    ["a character less", `Bearer ${token.slice(0, -1)}`, "ERR_TOKEN_MALFORMED"],
    ["a group of characters more", `Bearer ${token}AAAA`, "ERR_TOKEN_SIGNATURE"],
    ["another signature", `Bearer ${tampered}`, "ERR_TOKEN_SIGNATURE"],
    ["another letter case", `Bearer ${token.toLowerCase()}`, "ERR_TOKEN_MALFORMED"],
    ["another token", `Bearer ${unbound}`, "ERR_BINDING_REQUIRED"],
  ])("a request with %s is rejected, and the accepted one is accepted again", async (_name, credentials, code) => {
    const { outcome } = connected();
    expect(await outcome(`Bearer ${token}`)).toBe("accepted");
    expect(await outcome(credentials)).toBe(code);
    expect(await outcome(credentials)).toBe(code);
    expect(await outcome(`Bearer ${token}`)).toBe("accepted");
  });

  test("the same token is rejected with another certificate, and with none", async () => {
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

  test("each route asks for what it requires", async () => {
    const { answer, outcome } = connected();
    const authorize = vi.fn<(accessToken: AccessToken, request: NodeRequest) => boolean>(() => false);
    expect(await outcome(`Bearer ${token}`, { scopes: ["read"] })).toBe("accepted");
    expect(await outcome(`Bearer ${token}`, { scopes: ["write"] })).toBe("ERR_SCOPE_INSUFFICIENT");
    expect(await outcome(`Bearer ${token}`, { maxAge: 60 })).toBe("ERR_AUTHENTICATION_INSUFFICIENT");
    expect(await outcome(`Bearer ${token}`, { authorize })).toBe("ERR_ACCESS_DENIED");
    expect(authorize).toHaveBeenCalledExactlyOnceWith(await answer(`Bearer ${token}`), expect.anything());
  });

  test("a token that is not bound passes only where that is allowed, and proves nothing of a certificate", async () => {
    const { answer, outcome, present } = connected();
    const whenBound = { validateCertificateBinding: "when-bound" } as const;
    const reportOnly = { validateCertificateBinding: "report-only" } as const;
    for (const presented of [own, other, own]) {
      present(presented);
      const told = { clientCertificate: undefined, presentedCertificate: presented };
      expect(await answer(`Bearer ${unbound}`, whenBound)).toMatchObject({ binding: "unbound", ...told });
      expect(await answer(`Bearer ${unbound}`, reportOnly)).toMatchObject({ binding: "rejected", ...told });
      expect(await outcome(`Bearer ${unbound}`)).toBe("ERR_BINDING_REQUIRED");
    }
    expect(await answer(`Bearer ${token}`, reportOnly)).toMatchObject({ binding: "verified", clientCertificate: own });
    present(other);
    expect(await answer(`Bearer ${token}`, reportOnly)).toMatchObject({
      binding: "rejected",
      clientCertificate: undefined,
    });
    expect(await outcome(`Bearer ${token}`, whenBound)).toBe("ERR_BINDING_MISMATCH");
  });

  test("a token ends to the second, and one that is not valid yet is not", async () => {
    let time = now;
    const { outcome } = connected({ verifier: verifierOf(issuer, { clock: () => time, clockTolerance: 0 }) });
    const brief = await issuer.accessToken({ boundTo: client, expiresIn: 60, claims: { nbf: now / 1000 } });
    for (const [passed, expected] of [
      [0, "accepted"],
      [59_999, "accepted"],
      [60_000, "ERR_TOKEN_EXPIRED"],
      [0, "accepted"],
      [-1, "ERR_TOKEN_NOT_YET_VALID"],
    ] as const) {
      time = now + passed;
      expect(await outcome(`Bearer ${brief}`)).toBe(expected);
    }
  });

  test("what another API accepts is judged anew", async () => {
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

  test("a resolver is asked for the token of each request", async () => {
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

describe("a token that a connection is known by", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["performance"] });
    vi.advanceTimersByTime(1000);
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test("ends with its key", async () => {
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
    const { answer } = connected();
    const { claims } = await answer(`Bearer ${token}`);
    vi.advanceTimersByTime(299_999);
    expect((await answer(`Bearer ${token}`)).claims).toBe(claims);
    vi.advanceTimersByTime(2);
    const again = await answer(`Bearer ${token}`);
    expect(again.claims).not.toBe(claims);
    expect(again.claims).toEqual(claims);
  });

  test("is verified for every request where nothing is to be cached", async () => {
    const { answer } = connected({ verifier: verifierOf(issuer, { verifiedTokens: false }) });
    const { claims } = await answer(`Bearer ${token}`);
    expect((await answer(`Bearer ${token}`)).claims).not.toBe(claims);
  });

  test("is asked about for every request where the issuer always is", async () => {
    const asked = await startIssuerInTest();
    const jwt = await asked.accessToken({ boundTo: client });
    const introspection = introspectionOf(asked, { always: true, cacheDuration: 0 });
    const { outcome } = connected({ verifier: verifierOf(asked, { introspection }) });
    expect(await outcome(`Bearer ${jwt}`)).toBe("accepted");
    expect(await outcome(`Bearer ${jwt}`)).toBe("accepted");
    expect(timesAsked(asked)).toBe(2);
    asked.revoke(jwt);
    expect(await outcome(`Bearer ${jwt}`)).toBe("ERR_TOKEN_INACTIVE");
  });

  test("may be opaque: then the issuer's answer counts for as long as it is fresh", async () => {
    const asked = await startIssuerInTest();
    const opaque = await asked.opaqueToken({ boundTo: client });
    const introspection = introspectionOf(asked, { cacheDuration: 0 });
    const { outcome, present } = connected({ verifier: verifierOf(asked, { introspection }) });
    expect(await outcome(`Bearer ${opaque}`)).toBe("accepted");
    present(other);
    expect(await outcome(`Bearer ${opaque}`)).toBe("ERR_BINDING_MISMATCH");
    present(own);
    asked.revoke(opaque);
    expect(await outcome(`Bearer ${opaque}`)).toBe("ERR_TOKEN_INACTIVE");
  });
});

describe("a real connection", () => {
  /** What the requests are answered, one after the other on one connection: a status each. */
  const credentials = [token, token, unbound, token, tampered, token].map((text) => `Bearer ${text}`);
  const expected = ["200", "200", "401", "200", "401", "200"];
  const authenticate = createAuthenticator({ verifier: verifierOf(issuer) })();

  test("of HTTP/1.1 is known by its socket", async () => {
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

  test("of HTTP/2 is known by its session, also with many requests at once", async () => {
    const { url, ca } = await startHttp2Server((request, response) => {
      authenticate(request).then(
        () => response.writeHead(200).end(),
        () => response.writeHead(401).end(),
      );
    });
    const session = connect(url, { ca, cert: client.certificate, key: client.key });
    const ask = (authorization: string): Promise<string> =>
      new Promise((resolve, reject) => {
        const stream = session.request({ authorization }).on("error", reject);
        stream.on("response", (headers) => void stream.resume().on("end", () => resolve(String(headers[":status"]))));
      });
    try {
      const statuses = [];
      for (const authorization of credentials) statuses.push(await ask(authorization));
      expect(statuses).toEqual(expected);
      expect(await Promise.all([...credentials, ...credentials].map(ask))).toEqual([...expected, ...expected]);
    } finally {
      session.close();
    }
  });
});
