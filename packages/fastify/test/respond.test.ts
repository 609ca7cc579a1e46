import { expect, test } from "vitest";
import { withPollutedPrototype } from "../../core/test/support/polluted-prototype.ts";
import { type Protect, protectApi, type Respond } from "../src/protect-api.ts";
import { createApp, parties, startApp, startSending } from "./protected-app.ts";

const challenge =
  'Bearer realm="api", error="invalid_token", error_description="The access token is not valid for this request"';

test("respond receives the default response, and can send a custom response", async () => {
  const rejections: unknown[] = [];
  const respond: Respond = (rejection, request, reply) => {
    rejections.push(rejection, request.url);
    void reply.code(418).header("x-own", "yes").send("my own answer");
  };
  const { send, errors, handled } = await startApp({ options: { respond } });
  const { status, headers, body } = await send({ identity: parties.thief });
  const unauthorized = { status: 401, headers: { "WWW-Authenticate": challenge }, body: { message: "unauthorized" } };
  expect(rejections).toEqual([unauthorized, "/"]);
  expect({ status, custom: headers["x-own"], body }).toEqual({ status: 418, custom: "yes", body: "my own answer" });
  expect({ errors, handled }).toEqual({ errors: [], handled: [] });
});

/** Ways to respond. The handler must not run after any of them. */
const responders: readonly (readonly [string, Respond])[] = [
  ["returns the reply", (_rejection, _request, reply) => reply.code(401).send()],
  ["returns nothing", (_rejection, _request, reply) => void reply.code(401).send()],
  ["returns a string", (_rejection, _request, reply) => (reply.code(401).send(), "go on")],
  [
    "responds asynchronously",
    async (_rejection, _request, reply) => {
      await Promise.resolve();
      void reply.code(401).send();
    },
  ],
  [
    "responds after it has returned",
    (_rejection, _request, reply) => {
      setImmediate(() => void reply.code(401).send());
    },
  ],
  [
    "responds without Fastify",
    (_rejection, _request, reply) => {
      reply.hijack();
      reply.raw.writeHead(401).end();
    },
  ],
];

test.each(responders)("the handler does not run after a respond that %s", async (_what, respond) => {
  const { send, errors, handled } = await startApp({ options: { respond } });
  const { status } = await send({ identity: parties.thief });
  expect({ status, errors, handled }).toEqual({ status: 401, errors: [], handled: [] });
});

test.each(["a text", undefined, { status: 200 }])(
  "the request fails with an error if respond throws %j",
  async (thrown) => {
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- an application may do this
    const respond: Respond = () => Promise.reject(thrown);
    const { send, errors, handled } = await startApp({ options: { respond } });
    const { status } = await send({ identity: parties.thief });
    expect({ status, handled }).toEqual({ status: 500, handled: [] });
    expect(errors).toEqual([expect.objectContaining({ message: "non-error thrown", cause: thrown })]);
  },
);

test("respond is not called for an accepted request", async () => {
  const { send, handled } = await startApp({ options: { respond: (_rejection, _request, reply) => reply.send("x") } });
  expect([(await send()).status, handled.length]).toEqual([200, 1]);
});

test("respond is used if it is an own member of the options, and ignored on Object.prototype", async () => {
  const evil: Respond = (_rejection, _request, reply) => reply.code(418).send();
  const create = (): Protect => protectApi(parties.verifierOptions);
  const withRespond = protectApi({ ...parties.verifierOptions, respond: evil });
  const expected = [
    [withPollutedPrototype("respond", evil, create), 401],
    [withRespond, 418],
  ] as const;
  for (const [protect, status] of expected) {
    const app = createApp();
    app.get("/", { onRequest: protect() }, () => "handled");
    const send = await startSending(app);
    expect((await send({ identity: parties.thief })).status).toBe(status);
  }
});
