import type { Verifier, VerifierOptions } from "@certbound/core";
import { expect, onTestFinished, vi } from "vitest";
import { gzipSync } from "node:zlib";
import { verifierOf, verifyAs } from "../../verification.ts";
import { type Api, conforms, type ConformanceCase, rejects } from "../../conformance-case.ts";
import {
  type Responder,
  body,
  documents,
  type IssuerEndpoint,
  json,
  startIssuerEndpoint,
} from "../../issuer-endpoint.ts";
import type { IssuerKey } from "../../issuer-keys.ts";
import { useFakeTime, type FakeTime } from "../../fake-time.ts";
import { AUDIENCE, ISSUER, NOW, type Scene } from "../../scene.ts";

const UNREACHABLE_ISSUER = "https://unreachable.example";

/** An issuer whose keys are given, and another whose keys cannot be fetched. */
const unreachableKeys: Api = {
  verifier: ({ jwks, remote }) => ({
    issuer: [
      { issuer: ISSUER, audience: AUDIENCE, jwks },
      { issuer: UNREACHABLE_ISSUER, audience: AUDIENCE, jwks: new URL("/nothing", remote.jwksUri) },
    ],
    audience: undefined,
    jwks: undefined,
  }),
};

/** An issuer that does not offer introspection. */
const failingIntrospection: Api = {
  verifier: ({ remote }) => ({
    introspection: { ...remote.introspectionClient, endpoint: new URL("/nothing", remote.introspectionEndpoint) },
  }),
};

/** An API that fetches its keys, and its clock. */
interface FetchingApi extends FakeTime {
  readonly issuer: IssuerEndpoint;
  readonly verifier: Verifier;
  /** Verifies a valid token that is signed with this key and has this kid. */
  readonly verify: (key: IssuerKey, kid?: string) => Promise<string>;
}

async function startFetching(scene: Scene, responder: Responder, options: VerifierOptions = {}): Promise<FetchingApi> {
  const time = useFakeTime();
  const issuer = await startIssuerEndpoint(responder);
  const verifier = verifierOf({ jwks: `${issuer.url}/jwks`, clock: time.clock, ...options });
  const verify = (key: IssuerKey, kid: string = key.jwk.kid) =>
    verifyAs(scene.own, verifier, scene.token({ key, header: { kid }, claims: { exp: NOW + 86_400 } }));
  return { ...time, issuer, verifier, verify };
}

function keySet(...keys: readonly IssuerKey[]): Responder {
  return json({ keys: keys.map(({ jwk }) => jwk) });
}

/** Sends small pieces slowly, and never completes the response. */
const slow: Responder = (response) => {
  response.writeHead(200, { "content-type": "application/json" });
  const timer = setInterval(() => response.write(" "), 5);
  response.once("close", () => clearInterval(timer));
};

const silent: Responder = () => undefined;

/** Sends an endless response; `sent` resolves with the number of bytes when the client closes the connection. */
function endless(): { readonly responder: Responder; readonly sent: Promise<number> } {
  let end: (bytes: number) => void;
  const sent = new Promise<number>((resolve) => {
    end = resolve;
  });
  const responder: Responder = (response) => {
    response.writeHead(200, { "content-type": "application/json" });
    let bytes = 0;
    const write = (): void => {
      do bytes += 65_536;
      while (!response.destroyed && response.write(" ".repeat(65_536)));
    };
    response.on("drain", write);
    response.once("close", () => end(bytes));
    write();
  };
  return { responder, sent };
}

/** Returns a valid key set followed by 2 MiB of white space. */
function padded(jwks: object): string {
  return JSON.stringify(jwks) + " ".repeat(2 * 1024 * 1024);
}

/** Responds with a small body that decompresses to a large one. */
function inflating(jwks: object): Responder {
  const compressed = gzipSync(padded(jwks));
  return (response) => {
    response.writeHead(200, { "content-type": "application/json", "content-encoding": "gzip" }).end(compressed);
  };
}

const invalidKeySets: readonly (readonly [name: string, responderOf: (scene: Scene) => Responder])[] = [
  ["HTML", () => body("<!doctype html><title>Sign in</title>", { type: "text/html" })],
  ["an empty body", () => body("")],
  ["incomplete JSON", ({ jwks }) => body(JSON.stringify(jwks).slice(0, -1))],
  ["a bare list of keys", ({ jwks }) => json(jwks.keys)],
  ["a single key", ({ keys }) => json(keys.ES256.jwk)],
  ["an object instead of a list of keys", ({ keys }) => json({ keys: { 0: keys.ES256.jwk } })],
  ["an empty list of keys", () => json({ keys: [] })],
  ["a response with status 500", ({ jwks }) => json(jwks, { status: 500 })],
  ["a valid key set that is too long", ({ jwks }) => body(padded(jwks))],
  ["a compressed key set that is too long", ({ jwks }) => inflating(jwks)],
];

/** Divides the next time-out by 100, so that the test is fast; returns the original time-outs. */
function shortenTimeout(): readonly number[] {
  const requested: number[] = [];
  const timeout = AbortSignal.timeout.bind(AbortSignal);
  const spy = vi.spyOn(AbortSignal, "timeout").mockImplementationOnce((milliseconds) => {
    requested.push(milliseconds);
    return timeout(milliseconds / 100);
  });
  onTestFinished(() => spy.mockRestore());
  return requested;
}

export const cases: readonly ConformanceCase[] = [
  conforms("N-01", "fetches the keys once for a flood of unknown kids", async ({ scene }) => {
    const { ES256 } = scene.keys;
    const { issuer, verify, advance } = await startFetching(scene, keySet(ES256));
    expect(await verify(ES256)).toBe("accepted");
    for (let second = 0; second < 9; second += 1) {
      const flood = Array.from({ length: 10 }, (_, index) => verify(ES256, `unknown-${second}-${index}`));
      expect(new Set(await Promise.all(flood))).toEqual(new Set(["ERR_TOKEN_KEY_UNKNOWN"]));
      advance(1);
    }
    expect(await verify(ES256)).toBe("accepted");
    expect(issuer.requests.length).toBe(1);
  }),
  conforms(["N-02", "N-03"], "fetches a new key by its kid, and rejects the removed key", async ({ scene }) => {
    const [old, next] = [scene.keys.ES256, scene.foreignKeys.ES256];
    const { issuer, verify, advance } = await startFetching(scene, keySet(old));
    expect([await verify(old), await verify(next)]).toEqual(["accepted", "ERR_TOKEN_KEY_UNKNOWN"]);
    issuer.respondWith(keySet(next));
    advance(10);
    expect([await verify(next), await verify(old)]).toEqual(["accepted", "ERR_TOKEN_KEY_UNKNOWN"]);
    expect(issuer.requests.length).toBe(2);
  }),
  conforms("N-02", "fetches a new key that has the kid of the old key", async ({ scene }) => {
    const [old, next] = [scene.keys.ES256, scene.foreignKeys.ES256];
    const renamed = { ...next, jwk: { ...next.jwk, kid: old.jwk.kid } };
    const { issuer, verify, advance } = await startFetching(scene, keySet(old));
    expect([await verify(old), await verify(renamed)]).toEqual(["accepted", "ERR_TOKEN_SIGNATURE"]);
    issuer.respondWith(keySet(renamed));
    advance(600);
    expect([await verify(renamed), await verify(old)]).toEqual(["accepted", "ERR_TOKEN_SIGNATURE"]);
  }),
  conforms("N-03", "rejects tokens of a removed key after 10 minutes, including cached ones", async ({ scene }) => {
    const { ES256, ES384 } = scene.keys;
    const { issuer, verifier, verify, advance } = await startFetching(scene, keySet(ES256, ES384));
    const token = scene.token({ claims: { exp: NOW + 86_400 } });
    const verifyAgain = () => verifyAs(scene.own, verifier, token);
    expect([await verifyAgain(), await verify(ES384)]).toEqual(["accepted", "accepted"]);
    issuer.respondWith(keySet(ES384));
    advance(599);
    expect(await verifyAgain()).toBe("accepted");
    advance(1);
    expect([await verifyAgain(), await verify(ES384)]).toEqual(["ERR_TOKEN_KEY_UNKNOWN", "accepted"]);
  }),
  rejects("N-04", "a token of an issuer whose keys cannot be fetched, with status 503", {
    api: unreachableKeys,
    accepted: { token: ({ token }) => token({ claims: { iss: ISSUER } }) },
    rejected: { token: ({ token }) => token({ claims: { iss: UNREACHABLE_ISSUER } }) },
    code: "ERR_KEYS_UNAVAILABLE",
  }),
  rejects("N-04", "an opaque token that cannot be introspected, with status 503", {
    api: failingIntrospection,
    accepted: { token: ({ token }) => token() },
    rejected: { token: () => "opaque" },
    code: "ERR_INTROSPECTION_UNAVAILABLE",
  }),
  conforms(
    "N-04",
    "sends fewer and fewer requests to an issuer that is down, and recovers with it",
    async ({ scene }) => {
      const { ES256 } = scene.keys;
      const { issuer, verify, advance } = await startFetching(scene, json({}, { status: 500 }));
      for (let second = 0; second < 120; second += 1) {
        const requests = await Promise.all([verify(ES256), verify(ES256), verify(ES256)]);
        expect(new Set(requests)).toEqual(new Set(["ERR_KEYS_UNAVAILABLE"]));
        advance(1);
      }
      expect(issuer.requests.length).toBeLessThan(12);
      issuer.respondWith(keySet(ES256));
      advance(30);
      expect(await verify(ES256)).toBe("accepted");
    },
  ),
  conforms("N-04", "uses cached keys for an hour while the issuer is down", async ({ scene }) => {
    const { ES256, ES384 } = scene.keys;
    const { issuer, verify, verifier, advance } = await startFetching(scene, keySet(ES256));
    expect(await verify(ES256)).toBe("accepted");
    issuer.respondWith(json({}, { status: 500 }));
    advance(1800);
    expect(await verify(ES256)).toBe("accepted");
    expect(await verifyAs(scene.other, verifier, scene.token({ claims: { exp: NOW + 86_400 } }))).toBe(
      "ERR_BINDING_MISMATCH",
    );
    // The unknown key may be new, so the failure is not caused by the token.
    expect(await verify(ES384)).toBe("ERR_KEYS_UNAVAILABLE");
    advance(3600);
    expect(await verify(ES256)).toBe("ERR_KEYS_UNAVAILABLE");
  }),
  ...(
    [
      ["arrive slowly", slow],
      ["never arrive", silent],
    ] as const
  ).map(([name, responder]) =>
    conforms("N-05", `stops waiting for keys that ${name}`, async ({ scene }) => {
      const { ES256 } = scene.keys;
      const timeouts = shortenTimeout();
      const { issuer, verify, advance } = await startFetching(scene, responder);
      expect(await verify(ES256)).toBe("ERR_KEYS_UNAVAILABLE");
      expect(timeouts).toEqual([5000]);
      issuer.respondWith(keySet(ES256));
      advance(30);
      expect(await verify(ES256)).toBe("accepted");
    }),
  ),
  ...[301, 302, 303, 307, 308].map((status) =>
    conforms("N-07", `does not follow a redirect with ${status} to other keys or metadata`, async ({ scene }) => {
      const [ES256, foreign] = [scene.keys.ES256, scene.foreignKeys.ES256];
      const elsewhere = await startIssuerEndpoint(keySet(foreign));
      const redirect: Responder = (response) => void response.writeHead(status, { location: elsewhere.url }).end();
      const { issuer, verify, advance, clock } = await startFetching(scene, redirect);
      expect(await verify(foreign)).toBe("ERR_KEYS_UNAVAILABLE");
      const discovering = verifierOf({ issuer: issuer.url, clock });
      const token = scene.token({ key: foreign, claims: { iss: issuer.url } });
      expect(await verifyAs(scene.own, discovering, token)).toBe("ERR_KEYS_UNAVAILABLE");
      expect(elsewhere.requests).toEqual([]);
      issuer.respondWith(keySet(ES256));
      advance(30);
      expect([await verify(ES256), await verify(foreign)]).toEqual(["accepted", "ERR_TOKEN_KEY_UNKNOWN"]);
    }),
  ),
  ...invalidKeySets.map(([name, responderOf]) =>
    conforms("N-08", `does not use keys from ${name}, and keeps the cached keys`, async ({ scene }) => {
      const { ES256, ES384 } = scene.keys;
      const { issuer, verify, advance } = await startFetching(scene, responderOf(scene));
      expect(await verify(ES256)).toBe("ERR_KEYS_UNAVAILABLE");
      issuer.respondWith(keySet(ES256));
      advance(30);
      expect(await verify(ES256)).toBe("accepted");
      issuer.respondWith(responderOf(scene));
      advance(30);
      expect(await verify(ES384)).toBe("ERR_KEYS_UNAVAILABLE");
      expect(await verify(ES256)).toBe("accepted");
    }),
  ),
  conforms("N-08", "stops reading an endless response", async ({ scene }) => {
    const { ES256 } = scene.keys;
    const { responder, sent } = endless();
    const { issuer, verify, advance } = await startFetching(scene, responder);
    expect(await verify(ES256)).toBe("ERR_KEYS_UNAVAILABLE");
    // The number includes the buffers of both sockets.
    expect(await sent).toBeLessThan(32 * 1024 * 1024);
    issuer.respondWith(keySet(ES256));
    advance(30);
    expect(await verify(ES256)).toBe("accepted");
  }),
  conforms("N-09", "does not fetch keys over plain HTTP, except on the loopback interface", async ({ scene }) => {
    const create = (options: VerifierOptions) => () => verifierOf(options);
    expect(create({ jwks: "https://issuer.example/jwks" })).not.toThrow();
    expect(create({ jwks: "http://127.0.0.1:8080/jwks" })).not.toThrow();
    for (const host of ["issuer.example", "127.0.0.1.issuer.example", "10.0.0.1", "0.0.0.0", "localhost.example"]) {
      expect(create({ jwks: `http://${host}/jwks` })).toThrow(TypeError);
      expect(create({ jwks: new URL(`http://${host}/jwks`) })).toThrow(TypeError);
      expect(create({ issuer: `http://${host}` })).toThrow(TypeError);
      expect(create({ issuer: [{ issuer: ISSUER, jwks: `http://${host}/jwks` }] })).toThrow(TypeError);
    }
    const issuer = await startIssuerEndpoint(documents({ "/jwks": scene.jwks }));
    expect(await verifyAs(scene.own, verifierOf({ jwks: `${issuer.url}/jwks` }), scene.token())).toBe("accepted");
  }),
];
