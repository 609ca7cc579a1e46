import { AccessTokenError } from "@certbound/core";
import { EventEmitter, once } from "node:events";
import { afterEach, describe, expect, test, vi } from "vitest";
import { expressVersions } from "../../../test/helpers/express-versions.ts";
import {
  failure,
  failuresDuringVerification,
  failuresDuringRejection,
} from "../../../test/helpers/application-failures.ts";
import { parties, startApp } from "./protected-app.ts";

afterEach(() => {
  vi.useRealTimers();
});

describe.each(expressVersions)("on %s", (_name, express) => {
  test.each(failuresDuringVerification)("responds with 500 and without a challenge for %s", async (_what, setup) => {
    const onRejected = vi.fn<() => void>();
    const { send, errors, handled } = await startApp(express, { ...setup, options: { onRejected, ...setup.options } });
    const { status, headers } = await send();
    expect({ status, challenge: headers["www-authenticate"] }).toEqual({ status: 500, challenge: undefined });
    expect(errors).toEqual([expect.any(Error)]);
    expect(errors[0]).not.toBeInstanceOf(AccessTokenError);
    expect([handled.length, onRejected.mock.calls.length]).toEqual([0, 0]);
  });

  test.each(failuresDuringRejection)("responds with 500 and does not call the handler for %s", async (_what, setup) => {
    const { send, errors, handled } = await startApp(express, setup);
    const { status } = await send({ identity: parties.thief });
    expect({ status, errors, handled }).toEqual({ status: 500, errors: [expect.any(Error)], handled: [] });
    expect(errors[0]).not.toBeInstanceOf(AccessTokenError);
  });

  test.each([
    ["certificateResolver", { options: { certificateResolver: () => Promise.reject(failure) } }],
    ["tokenResolver", { options: { tokenResolver: () => Promise.reject(failure) } }],
    ["authorize", { requirements: { authorize: () => Promise.reject(failure) } }],
  ] as const)("names the failed callback in the message of the error: %s", async (name, setup) => {
    const { send, errors } = await startApp(express, setup);
    await send();
    expect(errors[0]).toMatchObject({ message: expect.stringContaining(name) as string, cause: failure });
  });

  test("responds with 500 if a resolver does not settle within five seconds", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const calls = new EventEmitter();
    const called = once(calls, "resolver");
    const certificateResolver = (): Promise<never> => {
      calls.emit("resolver");
      return new Promise(() => {});
    };
    const { send, handled } = await startApp(express, { options: { certificateResolver } });
    const pending = send();
    await called;
    vi.advanceTimersByTime(5000);
    expect({ status: (await pending).status, handled }).toEqual({ status: 500, handled: [] });
  });

  test("rejects the request with the error that a resolver returns", async () => {
    const certificateResolver = (): AccessTokenError => new AccessTokenError("ERR_CERTIFICATE_UNTRUSTED");
    const codes: string[] = [];
    const onRejected = ({ code }: AccessTokenError): number => codes.push(code);
    const { send, errors } = await startApp(express, { options: { certificateResolver, onRejected } });
    const { status } = await send();
    expect({ status, codes, errors }).toEqual({ status: 401, codes: ["ERR_CERTIFICATE_UNTRUSTED"], errors: [] });
  });
});

/** Errors that a handler throws: [name, error, status that Express responds with]. */
const thrownErrors: readonly (readonly [string, unknown, number])[] = [
  ["an error", new Error("the database is down"), 500],
  ["an AccessTokenError", new AccessTokenError("ERR_TOKEN_EXPIRED"), 500],
  ["an error with a status", Object.assign(new Error("not yours"), { status: 401 }), 401],
  ["a string", "no error at all", 500],
];

describe.each(expressVersions)("a handler after protect() on %s", (_name, express) => {
  test.each(thrownErrors)(
    "that throws %s causes the same response as without protect()",
    async (_what, error, status) => {
      const onRejected = vi.fn<() => void>();
      const handler = (): never => {
        throw error;
      };
      const { send, errors } = await startApp(express, { handler, options: { onRejected } });
      const [protectedRoute, open] = [await send(), await send({ path: "/open" })];
      expect({ status: protectedRoute.status, body: protectedRoute.body }).toEqual({ status, body: open.body });
      expect([protectedRoute.headers["www-authenticate"], open.headers["www-authenticate"]]).toEqual([
        undefined,
        undefined,
      ]);
      expect(errors).toEqual([error, error]);
      expect(onRejected).not.toHaveBeenCalled();
    },
  );

  test.each(thrownErrors)("that passes %s to next causes the response of Express", async (_what, error, status) => {
    const { send, errors } = await startApp(express, { handler: (_request, _response, next) => next(error) });
    const response = await send();
    expect({ status: response.status, errors }).toEqual({ status, errors: [error] });
  });
});
