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

// The ages of answers are measured by this clock; sockets, timers and the times in tokens go by others.
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
  test("goes on with the tokens that it knows, and knows the others once the server is back", async () => {
    const api = await startApi(start, { audience, introspection });
    const [known, unknown] = await Promise.all([issueToken(), issueToken()]);
    expect(await api.ask(caSigned, known)).toBe(200);

    server.stop();
    vi.advanceTimersByTime(20 * second);
    expect(await api.ask(caSigned, known)).toBe(200);
    expect(await api.ask(selfSigned, known)).toEqual([401, "ERR_BINDING_MISMATCH"]);
    expect(await api.ask(caSigned, unknown)).toEqual(unavailable);
    expect(await caSigned.call(api.url, unknown)).toMatchObject({ status: 503, retryAfter: "1" });

    server.start();
    expect(await api.ask(caSigned, unknown)).toBe(200);
    expect(await api.ask(selfSigned, unknown)).toEqual([401, "ERR_BINDING_MISMATCH"]);
    expect(await api.ask(caSigned, known)).toBe(200);
  });

  test("verifies JWTs with the keys that it has", async () => {
    const api = await startApi(start, { audience: [AUDIENCE, OPAQUE_AUDIENCE], introspection });
    const [jwt, opaque] = await Promise.all([caSigned.accessToken(server.issuer), issueToken()]);
    expect(await api.ask(caSigned, jwt)).toBe(200);
    server.stop();
    expect(await api.ask(caSigned, opaque)).toEqual(unavailable);
    expect(await api.ask(caSigned, jwt)).toBe(200);
    expect(await api.ask(selfSigned, jwt)).toEqual([401, "ERR_BINDING_MISMATCH"]);
  });

  test("knows no token for longer than cacheDuration", async () => {
    const api = await startApi(start, { audience, introspection });
    const token = await issueToken();
    expect(await api.ask(caSigned, token)).toBe(200);
    server.stop();
    vi.advanceTimersByTime(30 * second + 1);
    expect(await api.ask(caSigned, token)).toEqual(unavailable);
    // Whether it is stolen, the answer would tell.
    expect(await api.ask(selfSigned, token)).toEqual(unavailable);
    expect(await api.ask(scene.withoutCertificate("ca-signed"), token)).toEqual([401, "ERR_CERTIFICATE_MISSING"]);
    server.start();
    expect(await api.ask(caSigned, token)).toBe(200);
  });

  test("says when to try again while it does not know where to ask, and works once the server is back", async () => {
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

/** A request, and what it is answered while the authorization server is there. */
interface Shown {
  readonly client: Client;
  readonly token: string;
  readonly status: 200 | 401;
}

const CLIENTS = 8;
/** With which request the server is stopped, with which one it is started, and how many there are. */
const [STOP, START, END] = [40, 100, 160];

describe.each(apis)(
  "an API on %s under load, while its authorization server is stopped and started",
  (_name, start) => {
    test.each([
      ["asks for every request", 0, ["right", 503]],
      ["caches answers", 30, ["right"]],
    ])("answers nothing wrong when it %s", async (_when, cacheDuration, onKnownTokens) => {
      const api = await startApi(start, { audience, introspection: { ...introspection, cacheDuration } });
      const call = async ({ client, token }: Shown): Promise<number> => (await client.call(api.url, token)).status;
      const [good, revoked] = await Promise.all([issueToken(), issueToken()]);
      await caSigned.revoke(server.issuer, revoked);
      const known: readonly Shown[] = [
        { client: caSigned, token: good, status: 200 },
        { client: selfSigned, token: good, status: 401 },
        { client: caSigned, token: revoked, status: 401 },
      ];
      for (const shown of known) expect(await call(shown)).toBe(shown.status);
      const tokens = await Promise.all(Array.from({ length: END / 4 }, issueToken));
      const unknown = tokens.map((token): Shown => ({ client: caSigned, token, status: 200 }));

      const answers: (readonly [Shown, number])[] = [];
      const queue = unknown.flatMap((shown) => [...known, shown]).entries();
      const load = async (): Promise<void> => {
        for (const [index, shown] of queue) {
          if (index === STOP) server.stop();
          if (index === START) server.start();
          answers.push([shown, await call(shown)]);
        }
      };
      await Promise.all(Array.from({ length: CLIENTS }, load));

      const answersTo = (requests: readonly Shown[]): Set<unknown> =>
        new Set(
          answers
            .filter(([shown]) => requests.includes(shown))
            .map(([shown, status]) => (status === shown.status ? "right" : status)),
        );
      expect(answers).toHaveLength(END);
      expect(answersTo(known)).toEqual(new Set(onKnownTokens));
      expect(answersTo(unknown)).toEqual(new Set(["right", 503]));
      expect(new Set(api.rejections)).toEqual(
        new Set(["ERR_BINDING_MISMATCH", "ERR_TOKEN_INACTIVE", "ERR_INTROSPECTION_UNAVAILABLE"]),
      );
      for (const shown of [...known, ...unknown]) expect(await call(shown)).toBe(shown.status);
    });
  },
);
