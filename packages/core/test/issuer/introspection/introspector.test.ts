import { describe, expect, test } from "vitest";
import { httpRejection } from "../../../src/http/rejection.ts";
import { type Responder, hangUp, json, startEndpoint, status } from "../../support/endpoint.ts";
import { startHeldEndpoint } from "../../support/held-endpoint.ts";
import {
  introspectionOptionsOf,
  introspectorOf,
  pass,
  introspectionCount,
  timesOf,
} from "../../support/introspector.ts";
import { outcomeOf, rejectionOf } from "../../support/outcome.ts";
import { startIssuerInTest } from "../../support/verification.ts";

const active = json({ active: true, sub: "user-1" });
const tokens = (count: number): string[] => Array.from({ length: count }, (_, index) => `token-${index}`);

/** Closes the connection in the middle of a response. */
const broken: Responder = (response) => {
  response.writeHead(200, { "content-type": "application/json", "content-length": 99 });
  response.write("{", () => response.destroy());
};

describe("introspect", () => {
  test("returns the introspection response for an active token", async () => {
    const issuer = await startIssuerInTest();
    const introspector = introspectorOf(introspectionOptionsOf(issuer));
    const token = await issuer.opaqueToken({ claims: { sub: "user-1", groups: ["staff"] } });
    expect(await introspector.introspect(token)).toMatchObject({ active: true, sub: "user-1", groups: ["staff"] });
    expect(introspectionCount(issuer)).toBe(1);
  });

  test("rejects an inactive token", async () => {
    const issuer = await startIssuerInTest();
    const introspector = introspectorOf(introspectionOptionsOf(issuer));
    const token = await issuer.opaqueToken();
    issuer.revoke(token);
    const error = await rejectionOf(introspector.introspect(token));
    expect(error.code).toBe("ERR_TOKEN_INACTIVE");
    expect(httpRejection(error).status).toBe(401);
  });

  test("rejects with 503 if the issuer fails, and sends another request for the next call", async () => {
    const endpoint = await startEndpoint(status(500, { active: true }));
    const introspector = introspectorOf({ endpoint: endpoint.url });
    const error = await rejectionOf(introspector.introspect("token"));
    expect(error.code).toBe("ERR_INTROSPECTION_UNAVAILABLE");
    expect(httpRejection(error)).toMatchObject({ status: 503, headers: { "Retry-After": "1" } });
    endpoint.respondWith(active);
    expect(await outcomeOf(introspector.introspect("token"))).toBe("accepted");
    expect(endpoint.requests).toHaveLength(2);
  });

  test("returns the response of each token", async () => {
    const issuer = await startIssuerInTest();
    const introspector = introspectorOf(introspectionOptionsOf(issuer));
    const [one, other] = await Promise.all(
      ["one", "other"].map((sub) => issuer.opaqueToken({ claims: { sub } })) as [Promise<string>, Promise<string>],
    );
    for (let round = 0; round < 2; round += 1) {
      expect(await introspector.introspect(one)).toMatchObject({ sub: "one" });
      expect(await introspector.introspect(other)).toMatchObject({ sub: "other" });
    }
    expect(introspectionCount(issuer)).toBe(2);
  });
});

describe("an issuer whose metadata cannot be fetched", () => {
  test("is not requested before the time in Retry-After", async () => {
    const metadata = await startEndpoint(status(500, {}));
    const times = timesOf();
    const introspector = introspectorOf({ issuer: metadata.url, times });
    for (const pause of [1, 2, 4]) {
      const first = await rejectionOf(introspector.introspect("token"));
      const requestCount = metadata.requests.length;
      const other = await rejectionOf(introspector.introspect("other"));
      for (const error of [first, other]) {
        expect(error.code).toBe("ERR_INTROSPECTION_UNAVAILABLE");
        expect(httpRejection(error).headers).toEqual({ "Retry-After": String(pause) });
      }
      expect(metadata.requests).toHaveLength(requestCount);
      pass(times, pause * 1000);
    }
  });

  test("is not ready until they can be fetched, and ready() does not introspect any token", async () => {
    const issuer = await startEndpoint(status(500, {}));
    const times = timesOf();
    const introspector = introspectorOf({ issuer: issuer.url, times });
    expect(await outcomeOf(introspector.ready())).toBe("ERR_INTROSPECTION_UNAVAILABLE");
    issuer.respondWith(json({ issuer: issuer.url, introspection_endpoint: `${issuer.url}/introspect` }));
    pass(times, 1000);
    expect(await outcomeOf(introspector.ready())).toBe("accepted");
    expect(issuer.requests).not.toContain("/introspect");
    issuer.respondWith(active);
    expect(await outcomeOf(introspector.introspect("token"))).toBe("accepted");
    expect(issuer.requests.at(-1)).toBe("/introspect");
  });
});

describe("simultaneous requests", () => {
  test("cause one introspection request if all have the same token (N-06)", async () => {
    const { url, requests, waiting, releaseAll } = await startHeldEndpoint();
    const introspector = introspectorOf({ endpoint: url });
    const responses = Array.from({ length: 1000 }, () => introspector.introspect("token"));
    await waiting(1);
    releaseAll(active);
    expect(new Set(await Promise.all(responses))).toEqual(new Set([{ active: true, sub: "user-1" }]));
    expect(requests).toHaveLength(1);
  });

  test("cause two introspection requests for two tokens", async () => {
    const { url, waiting, releaseAll } = await startHeldEndpoint();
    const introspector = introspectorOf({ endpoint: url });
    const outcomes = Array.from({ length: 1000 }, (_, index) =>
      outcomeOf(introspector.introspect(index % 2 ? "one" : "other")),
    );
    await waiting(2);
    releaseAll(active);
    expect(new Set(await Promise.all(outcomes))).toEqual(new Set(["accepted"]));
  });

  test.each([
    ["ERR_TOKEN_INACTIVE", json({ active: false })],
    ["ERR_INTROSPECTION_UNAVAILABLE", status(503, {})],
    ["ERR_INTROSPECTION_UNAVAILABLE", broken],
  ] as const)("cause one introspection request even if they are rejected with %s", async (code, responder) => {
    const { url, requests, waiting, releaseAll } = await startHeldEndpoint();
    const introspector = introspectorOf({ endpoint: url });
    const outcomes = Array.from({ length: 1000 }, () => outcomeOf(introspector.introspect("token")));
    await waiting(1);
    releaseAll(responder);
    expect(new Set(await Promise.all(outcomes))).toEqual(new Set([code]));
    expect(requests).toHaveLength(1);
  });
});

test("simultaneous requests with one token share the second attempt after a closed connection", async () => {
  const { url, requests, waiting, releaseAll } = await startHeldEndpoint();
  const introspector = introspectorOf({ endpoint: url });
  const outcomes = Array.from({ length: 100 }, () => outcomeOf(introspector.introspect("token")));
  await waiting(1);
  releaseAll(hangUp);
  await waiting(1);
  releaseAll(active);
  expect(new Set(await Promise.all(outcomes))).toEqual(new Set(["accepted"]));
  expect(requests).toHaveLength(2);
});

describe("requests in flight", () => {
  test("are limited to 64: the 65th token is rejected immediately without a request", async () => {
    const { url, requests, waiting, releaseAll } = await startHeldEndpoint();
    const introspector = introspectorOf({ endpoint: url });
    const outcomes = tokens(64).map((token) => outcomeOf(introspector.introspect(token)));
    await waiting(64);
    const error = await rejectionOf(introspector.introspect("token-64"));
    expect(error.code).toBe("ERR_INTROSPECTION_UNAVAILABLE");
    expect(error.retryAfter).toBe(1);
    expect(requests).toHaveLength(64);
    releaseAll(active);
    expect(new Set(await Promise.all(outcomes))).toEqual(new Set(["accepted"]));
  });

  test("are shared by calls with the same token", async () => {
    const { url, waiting, releaseAll } = await startHeldEndpoint();
    const introspector = introspectorOf({ endpoint: url });
    const outcomes = [...tokens(64), ...tokens(64)].map((token) => outcomeOf(introspector.introspect(token)));
    await waiting(64);
    outcomes.push(outcomeOf(introspector.introspect("token-63")));
    releaseAll(active);
    expect(new Set(await Promise.all(outcomes))).toEqual(new Set(["accepted"]));
  });

  test.each([
    ["an active token", active],
    ["an inactive token", json({ active: false })],
    ["status 500", status(500, {})],
    ["half a response", broken],
  ])("allow exactly one more request when one of them ends with %s", async (_name, responder) => {
    const { url, waiting, release, releaseAll } = await startHeldEndpoint();
    const introspector = introspectorOf({ endpoint: url });
    const outcomes = tokens(64).map((token) => outcomeOf(introspector.introspect(token)));
    await waiting(64);
    release(responder);
    await Promise.race(outcomes);
    const next = outcomeOf(introspector.introspect("token-64"));
    await waiting(64);
    expect(await outcomeOf(introspector.introspect("token-65"))).toBe("ERR_INTROSPECTION_UNAVAILABLE");
    releaseAll(active);
    expect(await next).toBe("accepted");
    await Promise.all(outcomes);
  });

  test("do not include rejected calls, so that their tokens can be introspected later", async () => {
    const { url, waiting, releaseAll } = await startHeldEndpoint();
    const introspector = introspectorOf({ endpoint: url });
    const outcomes = tokens(64).map((token) => outcomeOf(introspector.introspect(token)));
    await waiting(64);
    const rejected = await Promise.all(
      tokens(200)
        .slice(64)
        .map((token) => outcomeOf(introspector.introspect(token))),
    );
    expect(new Set(rejected)).toEqual(new Set(["ERR_INTROSPECTION_UNAVAILABLE"]));
    releaseAll(active);
    await Promise.all(outcomes);
    const again = tokens(128)
      .slice(64)
      .map((token) => outcomeOf(introspector.introspect(token)));
    await waiting(64);
    releaseAll(active);
    expect(new Set(await Promise.all(again))).toEqual(new Set(["accepted"]));
  });
});
