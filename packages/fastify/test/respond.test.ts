import { expect, test } from "vitest";
import { withPollutedPrototype } from "../../core/test/support/polluted-prototype.ts";
import { type Protect, protectApi, type Respond } from "../src/protect-api.ts";
import { createApp, parties, startApp, startSending } from "./protected-app.ts";

const challenge =
  'Bearer realm="api", error="invalid_token", error_description="The access token is not valid for this request"';

test("respond is given the answer that would have been sent, and sends its own", async () => {
  const rejections: unknown[] = [];
  const respond: Respond = (rejection, request, reply) => {
    rejections.push(rejection, request.url);
    void reply.code(418).header("x-own", "yes").send("my own answer");
  };
  const { send, errors, handled } = await startApp({ options: { respond } });
  const { status, headers, body } = await send({ identity: parties.thief });
  const unauthorized = { status: 401, headers: { "WWW-Authenticate": challenge }, body: { message: "unauthorized" } };
  expect(rejections).toEqual([unauthorized, "/"]);
  expect({ status, own: headers["x-own"], body }).toEqual({ status: 418, own: "yes", body: "my own answer" });
  expect({ errors, handled }).toEqual({ errors: [], handled: [] });
});

/** Ways to answer, of which none may let the handler run. */
const answers: readonly (readonly [string, Respond])[] = [
  ["returns the reply", (_rejection, _request, reply) => reply.code(401).send()],
  ["returns nothing", (_rejection, _request, reply) => void reply.code(401).send()],
  ["returns a text", (_rejection, _request, reply) => (reply.code(401).send(), "go on")],
  [
    "answers later",
    async (_rejection, _request, reply) => {
      await Promise.resolve();
      void reply.code(401).send();
    },
  ],
  [
    "answers after it has returned",
    (_rejection, _request, reply) => {
      setImmediate(() => void reply.code(401).send());
    },
  ],
  [
    "answers without Fastify",
    (_rejection, _request, reply) => {
      reply.hijack();
      reply.raw.writeHead(401).end();
    },
  ],
];

test.each(answers)("a respond that %s does not let the handler run", async (_what, respond) => {
  const { send, errors, handled } = await startApp({ options: { respond } });
  const { status } = await send({ identity: parties.thief });
  expect({ status, errors, handled }).toEqual({ status: 401, errors: [], handled: [] });
});

test.each(["a text", undefined, { status: 200 }])("a respond that throws %j fails with an error", async (thrown) => {
  // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- that is what is tried
  const respond: Respond = () => Promise.reject(thrown);
  const { send, errors, handled } = await startApp({ options: { respond } });
  const { status } = await send({ identity: parties.thief });
  expect({ status, handled }).toEqual({ status: 500, handled: [] });
  expect(errors).toEqual([expect.objectContaining({ message: "non-error thrown", cause: thrown })]);
});

test("respond is not asked about a request that is accepted", async () => {
  const { send, handled } = await startApp({ options: { respond: (_rejection, _request, reply) => reply.send("x") } });
  expect([(await send()).status, handled.length]).toEqual([200, 1]);
});

test("respond is an own member of the options: what every object inherits is ignored", async () => {
  const evil: Respond = (_rejection, _request, reply) => reply.code(418).send();
  const create = (): Protect => protectApi(parties.verifierOptions);
  const own = protectApi({ ...parties.verifierOptions, respond: evil });
  const expected = [
    [withPollutedPrototype("respond", evil, create), 401],
    [own, 418],
  ] as const;
  for (const [protect, status] of expected) {
    const app = createApp();
    app.get("/", { onRequest: protect() }, () => "handled");
    const send = await startSending(app);
    expect((await send({ identity: parties.thief })).status).toBe(status);
  }
});
