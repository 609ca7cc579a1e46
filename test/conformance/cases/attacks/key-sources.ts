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

/** An issuer whose keys are at hand, and another whose keys cannot be fetched. */
const ofUnreachableIssuer: Api = {
  verifier: ({ jwks, remote }) => ({
    issuer: [
      { issuer: ISSUER, audience: AUDIENCE, jwks },
      { issuer: UNREACHABLE_ISSUER, audience: AUDIENCE, jwks: new URL("/nothing", remote.jwksUri) },
    ],
    audience: undefined,
    jwks: undefined,
  }),
};

/** An issuer that cannot be asked about opaque tokens. */
const ofMuteIssuer: Api = {
  verifier: ({ remote }) => ({
    introspection: { ...remote.introspectionClient, endpoint: new URL("/nothing", remote.introspectionEndpoint) },
  }),
};

/** An API that fetches its keys, and the time. */
interface Fetching extends FakeTime {
  readonly issuer: IssuerEndpoint;
  readonly verifier: Verifier;
  /** What comes of a token of the right client that is signed with this key, under this kid. */
  readonly verify: (key: IssuerKey, kid?: string) => Promise<string>;
}

async function startFetching(scene: Scene, answer: Responder, options: VerifierOptions = {}): Promise<Fetching> {
  const time = useFakeTime();
  const issuer = await startIssuerEndpoint(answer);
  const verifier = verifierOf({ jwks: `${issuer.url}/jwks`, clock: time.clock, ...options });
  const verify = (key: IssuerKey, kid: string = key.jwk.kid) =>
    verifyAs(scene.own, verifier, scene.token({ key, header: { kid }, claims: { exp: NOW + 86_400 } }));
  return { ...time, issuer, verifier, verify };
}

function keySet(...keys: readonly IssuerKey[]): Responder {
  return json({ keys: keys.map(({ jwk }) => jwk) });
}

/** Answers slowly, in pieces, and never to the end. */
const dripping: Responder = (response) => {
  response.writeHead(200, { "content-type": "application/json" });
  const drip = setInterval(() => response.write(" "), 5);
  response.once("close", () => clearInterval(drip));
};

const silent: Responder = () => undefined;

/** Answers as fast as it is read, without an end; tells how many bytes went out, once nobody listens any more. */
function endless(): { readonly answer: Responder; readonly sent: Promise<number> } {
  let end: (bytes: number) => void;
  const sent = new Promise<number>((resolve) => {
    end = resolve;
  });
  const answer: Responder = (response) => {
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
  return { answer, sent };
}

/** A good key set, and so much white space behind it. */
function padded(jwks: object): string {
  return JSON.stringify(jwks) + " ".repeat(2 * 1024 * 1024);
}

/** A small body that decompresses to a large one. */
function inflating(jwks: object): Responder {
  const compressed = gzipSync(padded(jwks));
  return (response) => {
    response.writeHead(200, { "content-type": "application/json", "content-encoding": "gzip" }).end(compressed);
  };
}

const noKeySets: readonly (readonly [name: string, answer: (scene: Scene) => Responder])[] = [
  ["HTML", () => body("<!doctype html><title>Sign in</title>", { type: "text/html" })],
  ["nothing", () => body("")],
  ["half of the JSON", ({ jwks }) => body(JSON.stringify(jwks).slice(0, -1))],
  ["a list of keys", ({ jwks }) => json(jwks.keys)],
  ["one key", ({ keys }) => json(keys.ES256.jwk)],
  ["an object of keys", ({ keys }) => json({ keys: { 0: keys.ES256.jwk } })],
  ["no keys", () => json({ keys: [] })],
  ["status 500", ({ jwks }) => json(jwks, { status: 500 })],
  ["a good key set that is too long", ({ jwks }) => body(padded(jwks))],
  ["a good key set that inflates", ({ jwks }) => inflating(jwks)],
];

/** Makes the next time-out a hundred times as short, so that nobody waits for it; tells how long it was to be. */
function hastenTimeout(): readonly number[] {
  const asked: number[] = [];
  const timeout = AbortSignal.timeout.bind(AbortSignal);
  const spy = vi.spyOn(AbortSignal, "timeout").mockImplementationOnce((milliseconds) => {
    asked.push(milliseconds);
    return timeout(milliseconds / 100);
  });
  onTestFinished(() => spy.mockRestore());
  return asked;
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
  conforms(["N-02", "N-03"], "finds new keys by their kid, and forgets the old ones", async ({ scene }) => {
    const [old, next] = [scene.keys.ES256, scene.foreignKeys.ES256];
    const { issuer, verify, advance } = await startFetching(scene, keySet(old));
    expect([await verify(old), await verify(next)]).toEqual(["accepted", "ERR_TOKEN_KEY_UNKNOWN"]);
    issuer.respondWith(keySet(next));
    advance(10);
    expect([await verify(next), await verify(old)]).toEqual(["accepted", "ERR_TOKEN_KEY_UNKNOWN"]);
    expect(issuer.requests.length).toBe(2);
  }),
  conforms("N-02", "finds a new key that has the kid of the old one", async ({ scene }) => {
    const [old, next] = [scene.keys.ES256, scene.foreignKeys.ES256];
    const renamed = { ...next, jwk: { ...next.jwk, kid: old.jwk.kid } };
    const { issuer, verify, advance } = await startFetching(scene, keySet(old));
    expect([await verify(old), await verify(renamed)]).toEqual(["accepted", "ERR_TOKEN_SIGNATURE"]);
    issuer.respondWith(keySet(renamed));
    advance(600);
    expect([await verify(renamed), await verify(old)]).toEqual(["accepted", "ERR_TOKEN_SIGNATURE"]);
  }),
  conforms(
    "N-03",
    "forgets a removed key within 10 minutes, and with it the tokens that it had verified",
    async ({ scene }) => {
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
    },
  ),
  rejects("N-04", "a token of an issuer whose keys cannot be fetched, as no fault of the token", {
    api: ofUnreachableIssuer,
    accepted: { token: ({ token }) => token({ claims: { iss: ISSUER } }) },
    rejected: { token: ({ token }) => token({ claims: { iss: UNREACHABLE_ISSUER } }) },
    code: "ERR_KEYS_UNAVAILABLE",
  }),
  rejects("N-04", "an opaque token about which nobody can be asked, as no fault of the token", {
    api: ofMuteIssuer,
    accepted: { token: ({ token }) => token() },
    rejected: { token: () => "opaque" },
    code: "ERR_INTROSPECTION_UNAVAILABLE",
  }),
  conforms("N-04", "asks an issuer that is down ever less often, and recovers with it", async ({ scene }) => {
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
  }),
  conforms("N-04", "verifies with the keys that it has while the issuer is down, for an hour", async ({ scene }) => {
    const { ES256, ES384 } = scene.keys;
    const { issuer, verify, verifier, advance } = await startFetching(scene, keySet(ES256));
    expect(await verify(ES256)).toBe("accepted");
    issuer.respondWith(json({}, { status: 500 }));
    advance(1800);
    expect(await verify(ES256)).toBe("accepted");
    expect(await verifyAs(scene.other, verifier, scene.token({ claims: { exp: NOW + 86_400 } }))).toBe(
      "ERR_BINDING_MISMATCH",
    );
    // A key that it does not have may be a new one: nothing is known of the token.
    expect(await verify(ES384)).toBe("ERR_KEYS_UNAVAILABLE");
    advance(3600);
    expect(await verify(ES256)).toBe("ERR_KEYS_UNAVAILABLE");
  }),
  ...(
    [
      ["slowly", dripping],
      ["never", silent],
    ] as const
  ).map(([name, answer]) =>
    conforms("N-05", `gives up waiting for keys that come ${name}`, async ({ scene }) => {
      const { ES256 } = scene.keys;
      const timeouts = hastenTimeout();
      const { issuer, verify, advance } = await startFetching(scene, answer);
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
  ...noKeySets.map(([name, answer]) =>
    conforms("N-08", `takes no keys from ${name}, and keeps those that it has`, async ({ scene }) => {
      const { ES256, ES384 } = scene.keys;
      const { issuer, verify, advance } = await startFetching(scene, answer(scene));
      expect(await verify(ES256)).toBe("ERR_KEYS_UNAVAILABLE");
      issuer.respondWith(keySet(ES256));
      advance(30);
      expect(await verify(ES256)).toBe("accepted");
      issuer.respondWith(answer(scene));
      advance(30);
      expect(await verify(ES384)).toBe("ERR_KEYS_UNAVAILABLE");
      expect(await verify(ES256)).toBe("accepted");
    }),
  ),
  conforms("N-08", "stops reading keys that have no end", async ({ scene }) => {
    const { ES256 } = scene.keys;
    const { answer, sent } = endless();
    const { issuer, verify, advance } = await startFetching(scene, answer);
    expect(await verify(ES256)).toBe("ERR_KEYS_UNAVAILABLE");
    // What is in the buffers of the two sockets has gone out as well.
    expect(await sent).toBeLessThan(32 * 1024 * 1024);
    issuer.respondWith(keySet(ES256));
    advance(30);
    expect(await verify(ES256)).toBe("accepted");
  }),
  conforms("N-09", "takes no keys over plain HTTP, unless they do not leave the machine", async ({ scene }) => {
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
