import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { apis } from "./apis.ts";
import type { Client } from "./client.ts";
import { AUDIENCE, OPAQUE_AUDIENCE } from "./provider.ts";
import { createScene } from "./scene.ts";

const second = 1000;
const unavailable = [503, "ERR_INTROSPECTION_UNAVAILABLE"];

const scene = await createScene();
scene.trustEverywhere();
const { server, caSigned, selfSigned, startApi, apiClients } = scene;
const audience = OPAQUE_AUDIENCE;
const introspection = apiClients.tls_client_auth.credentials;

// certbound measures the age of cached responses with performance.now(); sockets, timers and token times use other clocks.
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["performance"] });
  vi.advanceTimersByTime(second);
});
afterEach(() => {
  vi.useRealTimers();
  server.start();
});

const issueToken = (): Promise<string> => caSigned.accessToken(server.issuer, OPAQUE_AUDIENCE);

describe.each(apis)("an API on %s whose authorization server has stopped", (_name, start) => {
  test("accepts cached tokens, and other tokens once the server is back", async () => {
    const api = await startApi(start, { audience, introspection });
    const [cached, uncached] = await Promise.all([issueToken(), issueToken()]);
    expect(await api.ask(caSigned, cached)).toBe(200);

    server.stop();
    vi.advanceTimersByTime(20 * second);
    expect(await api.ask(caSigned, cached)).toBe(200);
    expect(await api.ask(selfSigned, cached)).toEqual([401, "ERR_BINDING_MISMATCH"]);
    expect(await api.ask(caSigned, uncached)).toEqual(unavailable);
    expect(await caSigned.call(api.url, uncached)).toMatchObject({ status: 503, retryAfter: "1" });

    server.start();
    expect(await api.ask(caSigned, uncached)).toBe(200);
    expect(await api.ask(selfSigned, uncached)).toEqual([401, "ERR_BINDING_MISMATCH"]);
    expect(await api.ask(caSigned, cached)).toBe(200);
  });

  test("verifies JWTs with its cached keys", async () => {
    const api = await startApi(start, { audience: [AUDIENCE, OPAQUE_AUDIENCE], introspection });
    const [jwt, opaque] = await Promise.all([caSigned.accessToken(server.issuer), issueToken()]);
    expect(await api.ask(caSigned, jwt)).toBe(200);
    server.stop();
    expect(await api.ask(caSigned, opaque)).toEqual(unavailable);
    expect(await api.ask(caSigned, jwt)).toBe(200);
    expect(await api.ask(selfSigned, jwt)).toEqual([401, "ERR_BINDING_MISMATCH"]);
  });

  test("caches no token for longer than cacheDuration", async () => {
    const api = await startApi(start, { audience, introspection });
    const token = await issueToken();
    expect(await api.ask(caSigned, token)).toBe(200);
    server.stop();
    vi.advanceTimersByTime(30 * second + 1);
    expect(await api.ask(caSigned, token)).toEqual(unavailable);
    // Only the introspection response can show that the token is stolen.
    expect(await api.ask(selfSigned, token)).toEqual(unavailable);
    expect(await api.ask(scene.withoutCertificate("ca-signed"), token)).toEqual([401, "ERR_CERTIFICATE_MISSING"]);
    server.start();
    expect(await api.ask(caSigned, token)).toBe(200);
  });

  test("sends Retry-After while it cannot fetch the metadata, and recovers once the server is back", async () => {
    const token = await issueToken();
    const api = await startApi(start, { audience, introspection });
    server.stop();
    expect(await api.ask(caSigned, token)).toEqual(unavailable);
    vi.advanceTimersByTime(second);
    expect(await caSigned.call(api.url, token)).toMatchObject({ status: 503, retryAfter: "2" });
    server.start();
    expect(await api.ask(caSigned, token)).toEqual(unavailable);
    vi.advanceTimersByTime(2 * second);
    expect(await api.ask(caSigned, token)).toBe(200);
  });
});

/** A request, and the status of its response while the authorization server is available. */
interface TestRequest {
  readonly client: Client;
  readonly token: string;
  readonly status: 200 | 401;
}

const CLIENTS = 8;
/** The requests at which the server is stopped and started again, and the number of requests. */
const [STOP, START, END] = [40, 100, 160];

describe.each(apis)(
  "an API on %s under load, while its authorization server is stopped and started",
  (_name, start) => {
    test.each([
      ["introspects for every request", 0, ["expected", 503]],
      ["caches responses", 30, ["expected"]],
    ])("never sends a wrong response when it %s", async (_when, cacheDuration, cachedOutcomes) => {
      const api = await startApi(start, { audience, introspection: { ...introspection, cacheDuration } });
      const call = async ({ client, token }: TestRequest): Promise<number> =>
        (await client.call(api.url, token)).status;
      const [good, revoked] = await Promise.all([issueToken(), issueToken()]);
      await caSigned.revoke(server.issuer, revoked);
      const cached: readonly TestRequest[] = [
        { client: caSigned, token: good, status: 200 },
        { client: selfSigned, token: good, status: 401 },
        { client: caSigned, token: revoked, status: 401 },
      ];
      for (const request of cached) expect(await call(request)).toBe(request.status);
      const tokens = await Promise.all(Array.from({ length: END / 4 }, issueToken));
      const uncached = tokens.map((token): TestRequest => ({ client: caSigned, token, status: 200 }));

      const responses: (readonly [TestRequest, number])[] = [];
      const queue = uncached.flatMap((request) => [...cached, request]).entries();
      const load = async (): Promise<void> => {
        for (const [index, request] of queue) {
          if (index === STOP) server.stop();
          if (index === START) server.start();
          responses.push([request, await call(request)]);
        }
      };
      await Promise.all(Array.from({ length: CLIENTS }, load));

      const outcomesOf = (requests: readonly TestRequest[]): Set<unknown> =>
        new Set(
          responses
            .filter(([request]) => requests.includes(request))
            .map(([request, status]) => (status === request.status ? "expected" : status)),
        );
      expect(responses).toHaveLength(END);
      expect(outcomesOf(cached)).toEqual(new Set(cachedOutcomes));
      expect(outcomesOf(uncached)).toEqual(new Set(["expected", 503]));
      expect(new Set(api.rejections)).toEqual(
        new Set(["ERR_BINDING_MISMATCH", "ERR_TOKEN_INACTIVE", "ERR_INTROSPECTION_UNAVAILABLE"]),
      );
      for (const request of [...cached, ...uncached]) expect(await call(request)).toBe(request.status);
    });
  },
);
