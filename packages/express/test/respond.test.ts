import { AccessTokenError } from "@certbound/core";
import { describe, expect, test } from "vitest";
import { expressVersions } from "../../../test/helpers/express-versions.ts";
import type { Respond } from "../src/protect-api.ts";
import { whilePrototypeIsPolluted, withPollutedPrototype } from "../../core/test/support/polluted-prototype.ts";
import { parties, startApp } from "./protected-app.ts";

const challenge =
  'Bearer realm="api", error="invalid_token", error_description="The access token is not valid for this request"';

const evil: Respond = (_rejection, _request, response) => response.sendStatus(418);

describe.each(expressVersions)("respond on %s", (_name, express) => {
  test("receives the default response, and can send a custom response", async () => {
    const rejections: unknown[] = [];
    const respond: Respond = (rejection, request, response) => {
      rejections.push(rejection, request.path);
      response.status(418).set("x-own", "yes").send("my own answer");
    };
    const { send, errors, handled } = await startApp(express, { options: { respond } });
    const { status, headers, body } = await send({ identity: parties.thief });
    const unauthorized = { status: 401, headers: { "WWW-Authenticate": challenge }, body: { message: "unauthorized" } };
    expect(rejections).toEqual([unauthorized, "/"]);
    expect({ status, custom: headers["x-own"], body }).toEqual({ status: 418, custom: "yes", body: "my own answer" });
    expect({ errors, handled }).toEqual({ errors: [], handled: [] });
  });

  test("has a default that ignores members of a polluted Object.prototype", async () => {
    const { send } = await withPollutedPrototype("realm", "evil", () => startApp(express));
    const polluted = whilePrototypeIsPolluted("x-evil", "evil", () => send({ identity: parties.thief }));
    const { status, headers } = await polluted;
    expect({ status, challenge: headers["www-authenticate"], evil: headers["x-evil"] }).toEqual({
      status: 401,
      challenge,
      evil: undefined,
    });
  });

  test("is used if it is an own member of the options, and ignored on Object.prototype", async () => {
    const { send } = await withPollutedPrototype("respond", evil, () => startApp(express));
    expect((await send({ identity: parties.thief })).status).toBe(401);
    const { send: sendWithRespond } = await startApp(express, { options: { respond: evil } });
    expect((await sendWithRespond({ identity: parties.thief })).status).toBe(418);
  });

  test("can respond asynchronously", async () => {
    const respond: Respond = async ({ status }, _request, response) => {
      await Promise.resolve();
      response.sendStatus(status);
    };
    const { send, handled } = await startApp(express, { options: { respond } });
    expect({ status: (await send({ identity: parties.thief })).status, handled }).toEqual({ status: 401, handled: [] });
  });

  test("is not called for an accepted request", async () => {
    const respond: Respond = (_rejection, _request, response) => response.sendStatus(418);
    const { send, handled } = await startApp(express, { options: { respond } });
    expect([(await send()).status, handled.length]).toEqual([200, 1]);
  });

  test("passes the rejection to the error handlers, which can use its status and headers", async () => {
    const { send, errors, handled } = await startApp(express, {
      options: { respond: (_rejection, _request, _response, forward) => forward() },
    });
    const { status, headers } = await send({ identity: parties.thief });
    expect(errors).toEqual([expect.any(AccessTokenError)]);
    expect(errors[0]).toMatchObject({
      code: "ERR_BINDING_MISMATCH",
      status: 401,
      headers: { "WWW-Authenticate": challenge },
    });
    // The default error handler of Express uses both members.
    expect({ status, challenge: headers["www-authenticate"] }).toEqual({ status: 401, challenge });
    expect(handled).toEqual([]);
  });

  test("forwards a rejection that error handlers can modify", async () => {
    const { send, errors } = await startApp(express, {
      options: { respond: (_rejection, _request, _response, forward) => forward() },
    });
    await send({ identity: parties.thief });
    const [error] = errors as [{ status: number }];
    error.status = 404;
    expect(error.status).toBe(404);
  });

  test.each(["route", "router"])("does not let a rejected request reach the handler by throwing %j", async (thrown) => {
    const respond = (): never => {
      // oxlint-disable-next-line typescript/only-throw-error -- an application may do this
      throw thrown;
    };
    const { send, errors, handled } = await startApp(express, { options: { respond } });
    const { status } = await send({ identity: parties.thief });
    expect({ status, handled, errors }).toEqual({ status: 500, handled: [], errors: [expect.any(Error)] });
  });

  test("can forward another error instead of the rejection", async () => {
    const other = new Error("the log is full");
    const { send, errors } = await startApp(express, {
      options: { respond: (_rejection, _request, _response, forward) => forward(other) },
    });
    expect({ status: (await send({ identity: parties.thief })).status, errors }).toEqual({
      status: 500,
      errors: [other],
    });
  });

  // Values with which Express continues, and values that a callback passes on success.
  test.each([null, undefined, false, 0, "", "route", "router", {}, true])(
    "does not let a rejected request reach the handler by forward(%j)",
    async (value) => {
      const { send, errors, handled } = await startApp(express, {
        options: { respond: (_rejection, _request, _response, forward) => forward(value) },
      });
      const { status } = await send({ identity: parties.thief });
      expect({ status, handled, errors }).toEqual({ status: 401, handled: [], errors: [expect.any(AccessTokenError)] });
    },
  );
});
