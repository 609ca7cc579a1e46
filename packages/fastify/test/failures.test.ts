import { AccessTokenError } from "@certbound/core";
import { EventEmitter, once } from "node:events";
import { afterEach, expect, test, vi } from "vitest";
import { failuresDuringVerification, failuresDuringRejection } from "../../../test/helpers/application-failures.ts";
import { parties, startApp } from "./protected-app.ts";

afterEach(() => {
  vi.useRealTimers();
});

test.each(failuresDuringVerification)("responds with 500 and without a challenge for %s", async (_what, setup) => {
  const onRejected = vi.fn<() => void>();
  const { send, errors, handled } = await startApp({ ...setup, options: { onRejected, ...setup.options } });
  const { status, headers } = await send();
  expect({ status, challenge: headers["www-authenticate"] }).toEqual({ status: 500, challenge: undefined });
  expect(errors).toEqual([expect.any(Error)]);
  expect(errors[0]).not.toBeInstanceOf(AccessTokenError);
  expect([handled.length, onRejected.mock.calls.length]).toEqual([0, 0]);
});

test.each(failuresDuringRejection)("responds with 500 and does not call the handler for %s", async (_, setup) => {
  const { send, errors, handled } = await startApp(setup);
  const { status } = await send({ identity: parties.thief });
  expect({ status, errors, handled }).toEqual({ status: 500, errors: [expect.any(Error)], handled: [] });
  expect(errors[0]).not.toBeInstanceOf(AccessTokenError);
});

test("responds with 500 if a resolver does not settle within five seconds", async () => {
  const calls = new EventEmitter();
  const called = once(calls, "resolver");
  const certificateResolver = (): Promise<never> => {
    calls.emit("resolver");
    return new Promise(() => {});
  };
  const { send, handled } = await startApp({ options: { certificateResolver } });
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const pending = send();
  await called;
  vi.advanceTimersByTime(5000);
  expect({ status: (await pending).status, handled }).toEqual({ status: 500, handled: [] });
});

test("rejects the request with the error that a resolver returns", async () => {
  const certificateResolver = (): AccessTokenError => new AccessTokenError("ERR_CERTIFICATE_UNTRUSTED");
  const codes: string[] = [];
  const onRejected = ({ code }: AccessTokenError): number => codes.push(code);
  const { send, errors } = await startApp({ options: { certificateResolver, onRejected } });
  const { status } = await send();
  expect({ status, codes, errors }).toEqual({ status: 401, codes: ["ERR_CERTIFICATE_UNTRUSTED"], errors: [] });
});

/** Errors that a handler throws: [name, error, status that Fastify responds with]. */
const thrownErrors: readonly (readonly [string, unknown, number])[] = [
  ["an error", new Error("the database is down"), 500],
  ["an AccessTokenError", new AccessTokenError("ERR_TOKEN_EXPIRED"), 500],
  ["an error with a status", Object.assign(new Error("not yours"), { statusCode: 401 }), 401],
];

test.each(thrownErrors)(
  "sends the same response as without protect() if a handler throws %s",
  async (_what, error, status) => {
    const onRejected = vi.fn<() => void>();
    const handler = async (): Promise<never> => {
      throw error;
    };
    const { send, errors } = await startApp({ handler, options: { onRejected } });
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
