import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { inspect } from "node:util";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { AccessTokenError } from "../../../src/errors.ts";
import { createVerifier } from "../../../src/verifier.ts";
import { endpointOf, questionOf, startAskedEndpoint } from "../../support/asking.ts";
import { hangUp, json, status } from "../../support/endpoint.ts";
import { outcomeOf, reasonOf } from "../../support/outcome.ts";
import { client } from "../../support/verification.ts";

const asked = { token: "token", token_type_hint: "access_token" };
const api = { clientId: "api", clientAuthentication: "bearer" } as const;

/** A verifier that introspects at an endpoint with this callback, and what to verify with it. */
async function startBearer(bearerToken: () => string | Promise<string>) {
  const { url, questions, answer } = await startAskedEndpoint(
    json({ active: true, cnf: { "x5t#S256": client.thumbprint } }),
  );
  const verifier = createVerifier({
    issuer: "https://as.example",
    audience: null,
    introspection: { ...api, bearerToken, endpoint: url, cacheDuration: 0 },
  });
  return {
    questions,
    answer,
    verifier,
    verify: () => verifier.verify("token", { clientCertificate: client.certificate }),
  };
}

describe("the method bearer", () => {
  test.each<[string, () => string | Promise<string>]>([
    ["a text", () => "AbC-._~+/1=="],
    ["a promise", async () => "AbC-._~+/1=="],
  ])("sends the token that the callback returns as %s, and nothing else of the client", async (_name, bearerToken) => {
    const { headers, form } = await questionOf({ ...api, bearerToken });
    expect(headers.authorization).toBe("Bearer AbC-._~+/1==");
    expect(form).toEqual(asked);
  });

  test("is the default with bearerToken", async () => {
    const { headers } = await questionOf({ clientId: "api", bearerToken: () => "secret" });
    expect(headers.authorization).toBe("Bearer secret");
  });

  test("calls the callback for every request, also for one that is sent again", async () => {
    let calls = 0;
    const { questions, answer, verify } = await startBearer(() => {
      calls += 1;
      return `token-${calls}`;
    });
    await verify();
    await verify();
    answer((response, path) => {
      answer(json({ active: false }));
      hangUp(response, path);
    });
    expect(await outcomeOf(verify())).toBe("ERR_TOKEN_INACTIVE");
    const sent = questions.map(({ headers }) => headers.authorization);
    expect(sent).toEqual([1, 2, 3, 4].map((call) => `Bearer token-${call}`));
  });

  test("with a token that the endpoint rejects is about the API, not the client", async () => {
    const { answer, verify } = await startBearer(() => "secret");
    answer(status(401, {}));
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

describe("a callback bearerToken that", () => {
  test.each(failing)("%s is an error of the application: no request is sent", async (_name, bearerToken) => {
    const events: unknown[] = [];
    const listener = (event: unknown) => void events.push(event);
    subscribe("certbound:introspection", listener);
    onTestFinished(() => void unsubscribe("certbound:introspection", listener));
    let current = bearerToken;
    const { questions, verifier, verify } = await startBearer(() => current() as string);
    for (const failed of [verify, verifier.ready]) {
      const error = await reasonOf(failed());
      expect(error).toBeInstanceOf(Error);
      expect(error).not.toBeInstanceOf(AccessTokenError);
      const { message, stack } = error as Error;
      expect(message).toMatch(/bearerToken/);
      expect(`${message} ${stack}`).not.toContain("MARKER");
    }
    expect({ questions, events }).toEqual({ questions: [], events: [] });
    current = () => "secret";
    expect(await outcomeOf(verify())).toBe("accepted");
    expect(questions).toHaveLength(1);
  });

  test("does not settle is an error of the application after 5 s", async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const endpoint = endpointOf({ ...api, endpoint: "https://as.example", bearerToken: () => new Promise(() => {}) });
    const failed = reasonOf(endpoint.introspect("token"));
    await vi.advanceTimersByTimeAsync(4999);
    expect(await Promise.race([failed, Promise.resolve("pending")])).toBe("pending");
    await vi.advanceTimersByTimeAsync(1);
    expect(inspect(await failed)).toMatch(/bearerToken has not settled within 5000 ms/);
  });

  test("does not settle is not answered with ERR_INTROSPECTION_UNAVAILABLE", async () => {
    const { questions, verify } = await startBearer(() => new Promise(() => {}));
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const failed = reasonOf(verify());
    await vi.advanceTimersByTimeAsync(5000);
    expect(await failed).not.toBeInstanceOf(AccessTokenError);
    expect(questions).toEqual([]);
  });

  test("throws has what it threw as the cause", async () => {
    const thrown = new Error("vault is sealed");
    const { verify } = await startBearer(() => raise(thrown));
    expect(await reasonOf(verify())).toMatchObject({ cause: thrown });
  });
});

describe("the method none", () => {
  test("sends the id of the client in the form, and nothing else of it", async () => {
    const { headers, form } = await questionOf({ clientId: "äpi", clientAuthentication: "none" });
    expect(form).toEqual({ ...asked, client_id: "äpi" });
    expect(headers.authorization).toBeUndefined();
  });
});

describe("tokenTypeHint", () => {
  test("false leaves token_type_hint out, true and absent do not", async () => {
    const none = { clientId: "api", clientAuthentication: "none" };
    expect((await questionOf({ ...none, tokenTypeHint: false })).form).toEqual({ token: "token", client_id: "api" });
    expect((await questionOf({ ...none, tokenTypeHint: true })).form).toEqual({ ...asked, client_id: "api" });
    expect((await questionOf(none)).form).toEqual({ ...asked, client_id: "api" });
  });
});

/** Throws anything, as applications may. */
function raise(thrown: unknown): never {
  throw thrown;
}
