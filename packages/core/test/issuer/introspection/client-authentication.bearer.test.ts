import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { inspect } from "node:util";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { AccessTokenError } from "../../../src/errors.ts";
import { createVerifier } from "../../../src/verifier.ts";
import { endpointOf, recordedRequestOf, startIntrospectionEndpoint } from "../../support/introspection-endpoint.ts";
import { hangUp, json, status } from "../../support/endpoint.ts";
import { outcomeOf, reasonOf } from "../../support/outcome.ts";
import { client } from "../../support/verification.ts";

const formWithoutClient = { token: "token", token_type_hint: "access_token" };
const api = { clientId: "api", clientAuthentication: "bearer" } as const;

/** Starts an introspection endpoint, and creates a verifier that authenticates with the given callback. */
async function startBearer(bearerToken: () => string | Promise<string>) {
  const { url, recordedRequests, respondWith } = await startIntrospectionEndpoint(
    json({ active: true, cnf: { "x5t#S256": client.thumbprint } }),
  );
  const verifier = createVerifier({
    issuer: "https://as.example",
    audience: null,
    introspection: { ...api, bearerToken, endpoint: url, cacheDuration: 0 },
  });
  return {
    recordedRequests,
    respondWith,
    verifier,
    verify: () => verifier.verify("token", { clientCertificate: client.certificate }),
  };
}

describe("the method bearer", () => {
  test.each<[string, () => string | Promise<string>]>([
    ["a string", () => "AbC-._~+/1=="],
    ["a promise", async () => "AbC-._~+/1=="],
  ])("sends only the token that the callback returns as %s", async (_name, bearerToken) => {
    const { headers, form } = await recordedRequestOf({ ...api, bearerToken });
    expect(headers.authorization).toBe("Bearer AbC-._~+/1==");
    expect(form).toEqual(formWithoutClient);
  });

  test("is the default with bearerToken", async () => {
    const { headers } = await recordedRequestOf({ clientId: "api", bearerToken: () => "secret" });
    expect(headers.authorization).toBe("Bearer secret");
  });

  test("calls the callback for each request, including one that is sent again", async () => {
    let calls = 0;
    const { recordedRequests, respondWith, verify } = await startBearer(() => {
      calls += 1;
      return `token-${calls}`;
    });
    await verify();
    await verify();
    respondWith((response, path) => {
      respondWith(json({ active: false }));
      hangUp(response, path);
    });
    expect(await outcomeOf(verify())).toBe("ERR_TOKEN_INACTIVE");
    const sent = recordedRequests.map(({ headers }) => headers.authorization);
    expect(sent).toEqual([1, 2, 3, 4].map((call) => `Bearer token-${call}`));
  });

  test("causes ERR_INTROSPECTION_UNAVAILABLE if the endpoint rejects the token of the API", async () => {
    const { respondWith, verify } = await startBearer(() => "secret");
    respondWith(status(401, {}));
    expect(await outcomeOf(verify())).toBe("ERR_INTROSPECTION_UNAVAILABLE");
  });
});

const failing: readonly (readonly [string, () => unknown])[] = [
  ["throws", () => raise(new Error("MARKER"))],
  ["throws an AccessTokenError", () => raise(new AccessTokenError("ERR_TOKEN_INACTIVE"))],
  ["rejects", () => Promise.reject(new Error("MARKER"))],
  ["rejects with an AccessTokenError", () => Promise.reject(new AccessTokenError("ERR_INTROSPECTION_UNAVAILABLE"))],
  ...[
    undefined,
    null,
    "",
    1,
    {},
    ["MARKER"],
    "MARKER MARKER",
    "MARKER\n",
    "MARKER\r\nx: y",
    "MARKER\0",
    "MARKÉR",
    "=",
    "a=b",
  ].flatMap((value): (readonly [string, () => unknown])[] => [
    [`returns ${JSON.stringify(value)}`, () => value],
    [`resolves with ${JSON.stringify(value)}`, async () => value],
  ]),
];

describe("the callback bearerToken", () => {
  test.each(failing)("causes an error of the application and no request if it %s", async (_name, bearerToken) => {
    const events: unknown[] = [];
    const listener = (event: unknown) => void events.push(event);
    subscribe("certbound:introspection", listener);
    onTestFinished(() => void unsubscribe("certbound:introspection", listener));
    let current = bearerToken;
    const { recordedRequests, verifier, verify } = await startBearer(() => current() as string);
    for (const failed of [verify, verifier.ready]) {
      const error = await reasonOf(failed());
      expect(error).toBeInstanceOf(Error);
      expect(error).not.toBeInstanceOf(AccessTokenError);
      const { message, stack } = error as Error;
      expect(message).toMatch(/bearerToken/);
      expect(`${message} ${stack}`).not.toContain("MARKER");
    }
    expect({ recordedRequests, events }).toEqual({ recordedRequests: [], events: [] });
    current = () => "secret";
    expect(await outcomeOf(verify())).toBe("accepted");
    expect(recordedRequests).toHaveLength(1);
  });

  test("causes an error after 5 s if it does not settle", async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const endpoint = endpointOf({ ...api, endpoint: "https://as.example", bearerToken: () => new Promise(() => {}) });
    const failed = reasonOf(endpoint.introspect("token"));
    await vi.advanceTimersByTimeAsync(4999);
    expect(await Promise.race([failed, Promise.resolve("pending")])).toBe("pending");
    await vi.advanceTimersByTimeAsync(1);
    expect(inspect(await failed)).toMatch(/bearerToken has not settled within 5000 ms/);
  });

  test("does not cause an AccessTokenError if it does not settle", async () => {
    const { recordedRequests, verify } = await startBearer(() => new Promise(() => {}));
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const failed = reasonOf(verify());
    await vi.advanceTimersByTimeAsync(5000);
    expect(await failed).not.toBeInstanceOf(AccessTokenError);
    expect(recordedRequests).toEqual([]);
  });

  test("causes an error with the thrown value as its cause", async () => {
    const thrown = new Error("vault is sealed");
    const { verify } = await startBearer(() => raise(thrown));
    expect(await reasonOf(verify())).toMatchObject({ cause: thrown });
  });
});

describe("the method none", () => {
  test("sends only the client_id, in the form", async () => {
    const { headers, form } = await recordedRequestOf({ clientId: "äpi", clientAuthentication: "none" });
    expect(form).toEqual({ ...formWithoutClient, client_id: "äpi" });
    expect(headers.authorization).toBeUndefined();
  });
});

describe("tokenTypeHint", () => {
  test("omits token_type_hint only if it is false", async () => {
    const none = { clientId: "api", clientAuthentication: "none" };
    expect((await recordedRequestOf({ ...none, tokenTypeHint: false })).form).toEqual({
      token: "token",
      client_id: "api",
    });
    expect((await recordedRequestOf({ ...none, tokenTypeHint: true })).form).toEqual({
      ...formWithoutClient,
      client_id: "api",
    });
    expect((await recordedRequestOf(none)).form).toEqual({ ...formWithoutClient, client_id: "api" });
  });
});

/** Throws any value. */
function raise(thrown: unknown): never {
  throw thrown;
}
