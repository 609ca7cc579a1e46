import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ApiName, apiNames, type Remains } from "./api-process.ts";
import { type Clients, httpVersionOf, withClients } from "./clients.ts";
import { clockSteps } from "./clock-steps.ts";
import { failed } from "./expectations.ts";
import { floods } from "./floods.ts";
import { hangUpsAfterTls, hangUpsBeforeTls } from "./hang-ups.ts";
import { issuerOutage, slowKeys } from "./issuer-outage.ts";
import { createRandom, shuffled } from "./random.ts";
import { slowBodies } from "./slow-bodies.ts";
import { hangingCallbacks, slowCallbacks } from "./slow-callbacks.ts";
import { createStage, type Stage } from "./stage.ts";
import { streamResets } from "./stream-resets.ts";
import { targetOf } from "./target.ts";
import { runAll, type Task } from "./tasks.ts";

/** The number of repetitions of each task, and the number of concurrent tasks, per API. */
const [REPEATS, AT_ONCE] = [3, 25];
/** The timeout in milliseconds, long enough for a busy machine. */
const TIMEOUT = 60_000;
const MEGABYTE = 1024 * 1024;

let stage: Stage;
let before: Remains;

beforeAll(async () => {
  stage = await createStage();
  // The first requests create lazily initialized objects, which must exist before the first count.
  await Promise.all(apiNames.map((api) => withClients(stage, api, ({ all }) => all())));
  before = await stage.process.remains();
});
afterAll(() => stage.close());

/** Runs misbehaving and well-behaved clients in an order that is the same in every run. */
async function runStorm(api: ApiName, clients: Clients): Promise<void> {
  const token = await stage.parties.token();
  const target = { ...targetOf(stage, api), token };
  const beforeTls = await hangUpsBeforeTls(target);
  const misbehaving = [
    ...Array.from({ length: 14 }, () => beforeTls).flat(),
    ...hangUpsAfterTls({ ...target, identity: undefined }),
    ...hangUpsAfterTls(target),
    ...floods(target),
  ];
  const good: Task = { name: "well-behaved clients", run: () => clients.all() };
  const failing = ["/throws", "/rejects"].map((path): Task => {
    const run = async (): Promise<void> => {
      await clients.client({ path, token, expected: failed });
      await clients.all();
    };
    return { name: `a failing handler: ${path}`, run };
  });
  const round = [...misbehaving, ...failing, good, good, good];
  await runAll(shuffled(Array.from({ length: REPEATS }, () => round).flat(), createRandom(8705)), AT_ONCE);
}

// The order matters: the last tests check for connections and resources that the earlier tests left behind.
describe("the APIs", { shuffle: false }, () => {
  // Runs before the storm, because certbound waits at most 5 s for keys and callbacks.
  describe.each(apiNames)("%s keeps serving other clients when clients disconnect", (api) => {
    test("while their requests wait for keys", async () => {
      await expect(withClients(stage, api, (clients) => slowKeys(stage, api, clients))).resolves.toBeUndefined();
    });

    test("while their requests wait for a callback of the application", async () => {
      await expect(slowCallbacks(stage, api)).resolves.toBeUndefined();
    });
  });

  describe("in a storm", () => {
    test.concurrent.each(apiNames)(
      "%s sends the expected response to every client",
      async (api) => {
        const runs = [
          withClients(stage, api, (clients) => runStorm(api, clients)),
          withClients(stage, api, (clients) => clockSteps(stage, api, clients)),
          withClients(stage, api, (clients) => issuerOutage(stage, api, clients)),
          withClients(stage, api, (clients) => slowBodies(stage, api, clients)),
          hangingCallbacks(stage, api),
          ...(httpVersionOf(api) === 2 ? [streamResets(stage, api)] : []),
        ];
        await expect(Promise.all(runs)).resolves.toBeDefined();
      },
      TIMEOUT,
    );
  });

  describe("afterwards", () => {
    test("the process of the APIs has released all connections, requests and resources", async () => {
      const after = await stage.process.remains();
      expect(after.problems).toEqual([]);
      expect(after.left).toEqual([]);
      expect(after.unnoticed).toBeLessThanOrEqual(3);
      expect(after.resources).toEqual(before.resources);
      expect(after.connections).toBeGreaterThan(2000);
      expect(after.requestsKept).toBeLessThanOrEqual(20);
      expect(after.heap - before.heap).toBeLessThan(20 * MEGABYTE);
    });

    test.each(apiNames)("%s still serves requests", async (api) => {
      await expect(withClients(stage, api, ({ all }) => all())).resolves.toBeUndefined();
    });
  });
});
