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
import { doAll, type Task } from "./tasks.ts";

/** How often each client misbehaves, and how many do so at once, at each API. */
const [REPEATS, AT_ONCE] = [3, 25];
/** For a machine that has other things to do, in milliseconds. */
const PATIENCE = 60_000;
const MEGABYTE = 1024 * 1024;

let stage: Stage;
let before: Remains;

beforeAll(async () => {
  stage = await createStage();
  // What is made once, for the first requests, is there before anything is counted.
  await Promise.all(apiNames.map((api) => withClients(stage, api, ({ all }) => all())));
  before = await stage.process.remains();
});
afterAll(() => stage.close());

/** Clients that misbehave and clients that do not, in an order that is the same in every run. */
async function storm(api: ApiName, clients: Clients): Promise<void> {
  const token = await stage.parties.token();
  const own = { ...targetOf(stage, api), token };
  const beforeTls = await hangUpsBeforeTls(own);
  const misbehaving = [
    ...Array.from({ length: 14 }, () => beforeTls).flat(),
    ...hangUpsAfterTls({ ...own, identity: undefined }),
    ...hangUpsAfterTls(own),
    ...floods(own),
  ];
  const good: Task = { name: "clients that behave well", run: () => clients.all() };
  const failing = ["/throws", "/rejects"].map((path): Task => {
    const run = async (): Promise<void> => {
      await clients.client({ path, token, expected: failed });
      await clients.all();
    };
    return { name: `a handler that fails: ${path}`, run };
  });
  const round = [...misbehaving, ...failing, good, good, good];
  await doAll(shuffled(Array.from({ length: REPEATS }, () => round).flat(), createRandom(8705)), AT_ONCE);
}

// In this order: the last tests look at what the others have left.
describe("the APIs", { shuffle: false }, () => {
  // Before the storm, since what waits here is waited for no longer than 5 s.
  describe.each(apiNames)("%s goes on when clients go", (api) => {
    test("while their verification waits for keys", async () => {
      await expect(withClients(stage, api, (clients) => slowKeys(stage, api, clients))).resolves.toBeUndefined();
    });

    test("while a callback of the application is waited for", async () => {
      await expect(slowCallbacks(stage, api)).resolves.toBeUndefined();
    });
  });

  describe("in a storm", () => {
    test.concurrent.each(apiNames)(
      "%s answers everybody rightly, whatever others do",
      async (api) => {
        const scenes = [
          withClients(stage, api, (clients) => storm(api, clients)),
          withClients(stage, api, (clients) => clockSteps(stage, api, clients)),
          withClients(stage, api, (clients) => issuerOutage(stage, api, clients)),
          withClients(stage, api, (clients) => slowBodies(stage, api, clients)),
          hangingCallbacks(stage, api),
          ...(httpVersionOf(api) === 2 ? [streamResets(stage, api)] : []),
        ];
        await expect(Promise.all(scenes)).resolves.toBeDefined();
      },
      PATIENCE,
    );
  });

  describe("afterwards", () => {
    test("nothing is left in the process of the APIs", async () => {
      const after = await stage.process.remains();
      expect(after.troubles).toEqual([]);
      expect(after.left).toEqual([]);
      expect(after.unnoticed).toBeLessThanOrEqual(3);
      expect(after.resources).toEqual(before.resources);
      expect(after.connections).toBeGreaterThan(2000);
      expect(after.requestsKept).toBeLessThanOrEqual(20);
      expect(after.heap - before.heap).toBeLessThan(20 * MEGABYTE);
    });

    test.each(apiNames)("%s is up", async (api) => {
      await expect(withClients(stage, api, ({ all }) => all())).resolves.toBeUndefined();
    });
  });
});
