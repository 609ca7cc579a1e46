import { AccessTokenError } from "@certbound/core";
import { EventEmitter, once } from "node:events";
import { afterEach, describe, expect, test, vi } from "vitest";
import { expressVersions } from "../../../test/helpers/express-versions.ts";
import { failure, failuresInJudging, failuresInRejecting } from "../../../test/helpers/application-failures.ts";
import { parties, startApp } from "./protected-app.ts";

afterEach(() => {
  vi.useRealTimers();
});

describe.each(expressVersions)("on %s", (_name, express) => {
  test.each(failuresInJudging)("%s is an error of the application, not a rejection", async (_what, setup) => {
    const onRejected = vi.fn<() => void>();
    const { send, errors, handled } = await startApp(express, { ...setup, options: { onRejected, ...setup.options } });
    const { status, headers } = await send();
    expect({ status, challenge: headers["www-authenticate"] }).toEqual({ status: 500, challenge: undefined });
    expect(errors).toEqual([expect.any(Error)]);
    expect(errors[0]).not.toBeInstanceOf(AccessTokenError);
    expect([handled.length, onRejected.mock.calls.length]).toEqual([0, 0]);
  });

  test.each(failuresInRejecting)(
    "%s is an error of the application, and nothing lets the request pass",
    async (_what, setup) => {
      const { send, errors, handled } = await startApp(express, setup);
      const { status } = await send({ identity: parties.thief });
      expect({ status, errors, handled }).toEqual({ status: 500, errors: [expect.any(Error)], handled: [] });
      expect(errors[0]).not.toBeInstanceOf(AccessTokenError);
    },
  );

  test.each([
    ["certificateResolver", { options: { certificateResolver: () => Promise.reject(failure) } }],
    ["tokenResolver", { options: { tokenResolver: () => Promise.reject(failure) } }],
    ["authorize", { requirements: { authorize: () => Promise.reject(failure) } }],
  ] as const)("the error handler learns from the message what failed: %s", async (name, setup) => {
    const { send, errors } = await startApp(express, setup);
    await send();
    expect(errors[0]).toMatchObject({ message: expect.stringContaining(name) as string, cause: failure });
  });

  test("a resolver that never settles ends the request after five seconds", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const calls = new EventEmitter();
    const called = once(calls, "resolver");
    const certificateResolver = (): Promise<never> => {
      calls.emit("resolver");
      return new Promise(() => {});
    };
    const { send, handled } = await startApp(express, { options: { certificateResolver } });
    const answer = send();
    await called;
    vi.advanceTimersByTime(5000);
    expect({ status: (await answer).status, handled }).toEqual({ status: 500, handled: [] });
  });

  test("a resolver may say why there is no certificate, which is a rejection", async () => {
    const certificateResolver = (): AccessTokenError => new AccessTokenError("ERR_CERTIFICATE_UNTRUSTED");
    const codes: string[] = [];
    const onRejected = ({ code }: AccessTokenError): number => codes.push(code);
    const { send, errors } = await startApp(express, { options: { certificateResolver, onRejected } });
    const { status } = await send();
    expect({ status, codes, errors }).toEqual({ status: 401, codes: ["ERR_CERTIFICATE_UNTRUSTED"], errors: [] });
  });
});

/** What a handler may throw, and what Express answers to it by itself. */
const thrown: readonly (readonly [string, unknown, number])[] = [
  ["an error", new Error("the database is down"), 500],
  ["an AccessTokenError", new AccessTokenError("ERR_TOKEN_EXPIRED"), 500],
  ["an error with a status of its own", Object.assign(new Error("not yours"), { status: 401 }), 401],
  ["a text", "no error at all", 500],
];

describe.each(expressVersions)("on %s, a handler behind protect()", (_name, express) => {
  test.each(thrown)("that throws %s is answered as any other handler", async (_what, error, status) => {
    const onRejected = vi.fn<() => void>();
    const handler = (): never => {
      throw error;
    };
    const { send, errors } = await startApp(express, { handler, options: { onRejected } });
    const [behind, open] = [await send(), await send({ path: "/open" })];
    expect({ status: behind.status, body: behind.body }).toEqual({ status, body: open.body });
    expect([behind.headers["www-authenticate"], open.headers["www-authenticate"]]).toEqual([undefined, undefined]);
    expect(errors).toEqual([error, error]);
    expect(onRejected).not.toHaveBeenCalled();
  });

  test.each(thrown)("that passes %s on is answered as any other handler", async (_what, error, status) => {
    const { send, errors } = await startApp(express, { handler: (_request, _response, next) => next(error) });
    const behind = await send();
    expect({ status: behind.status, errors }).toEqual({ status, errors: [error] });
  });
});
