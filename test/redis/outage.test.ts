import type { Identity } from "@certbound/testing";
import { describe, expect, test, vi } from "vitest";
import { describeWithProgram } from "../helpers/program.ts";
import { createFleet, type Fleet } from "./fleet.ts";
import type { Construction, FleetMember, VerificationResult } from "./fleet-member.ts";
import { redisBinary, type RedisServer, startRedis } from "./redis-server.ts";
import { client, thief } from "./verifiers.ts";

/** A temporary failure of Redis. */
interface Outage {
  readonly begin: (redis: RedisServer) => Promise<void>;
  readonly end: (redis: RedisServer) => Promise<void>;
}

const outages: readonly (readonly [string, Outage])[] = [
  ["is killed", { begin: (redis) => redis.kill(), end: (redis) => redis.restart() }],
  ["hangs", { begin: async (redis) => redis.freeze(), end: async (redis) => redis.thaw() }],
];

/** A request and its expected outcome. */
interface Case {
  readonly token: string;
  readonly sender: Identity;
  readonly expected: VerificationResult["outcome"];
}

interface CheckedResult extends VerificationResult {
  readonly expected: VerificationResult["outcome"];
}

/** The number of concurrent requests. */
const LOOPS = 8;
/** How much longer a request may take during an outage, in milliseconds. This includes the verifier's timeout of 250 ms. */
const DELAY = 1000;

/** Creates 40 requests with valid, stolen, revoked and unbound tokens in turn. */
async function createCases({ issuer }: Fleet): Promise<readonly Case[]> {
  const groups = await Promise.all(
    Array.from({ length: 10 }, async (): Promise<readonly Case[]> => {
      const [good, stolen, revoked, unbound] = await Promise.all([
        issuer.opaqueToken({ boundTo: client }),
        issuer.opaqueToken({ boundTo: client }),
        issuer.opaqueToken({ boundTo: client }),
        issuer.opaqueToken(),
      ]);
      issuer.revoke(revoked);
      return [
        { token: good, sender: client, expected: "accepted" },
        { token: stolen, sender: thief, expected: "ERR_BINDING_MISMATCH" },
        { token: revoked, sender: client, expected: "ERR_TOKEN_INACTIVE" },
        { token: unbound, sender: client, expected: "ERR_BINDING_REQUIRED" },
      ];
    }),
  );
  return groups.flat();
}

/**
 * Sends every case in each loop, distributed over the members, after the members' cached responses have expired.
 *
 * @param onHalf called after half of the responses
 */
async function sendAll(
  members: readonly FleetMember[],
  cases: readonly Case[],
  onHalf: () => void = () => {},
): Promise<readonly CheckedResult[]> {
  for (const member of members) member.passMinute();
  const results: CheckedResult[] = [];
  const loop = async (_item: unknown, index: number): Promise<void> => {
    const start = (index * cases.length) / LOOPS;
    for (const { token, sender, expected } of [...cases.slice(start), ...cases.slice(0, start)]) {
      const member = members[index % members.length] as FleetMember;
      results.push({ expected, ...(await member.verify(token, sender)) });
      if (results.length === (LOOPS * cases.length) / 2) onHalf();
    }
  };
  await Promise.all(Array.from({ length: LOOPS }, loop));
  return results;
}

/** Expects that every outcome is the expected one. */
function expectCorrect(results: readonly CheckedResult[]): void {
  expect(results.length).toBeGreaterThan(0);
  expect(results.filter(({ outcome, expected }) => outcome !== expected)).toEqual([]);
}

function slowest(results: readonly CheckedResult[]): number {
  return Math.max(...results.map(({ duration }) => duration));
}

/** Waits until the reader uses a response from Redis that the writer got from the issuer. */
async function expectShared(
  { issuer, introspections }: Fleet,
  writer: FleetMember,
  reader: FleetMember,
): Promise<void> {
  await vi.waitFor(
    async () => {
      writer.passMinute();
      reader.passMinute();
      const token = await issuer.opaqueToken({ boundTo: client });
      const before = introspections();
      expect(await writer.verify(token, client)).toMatchObject({ outcome: "accepted" });
      expect(await reader.verify(token, client)).toMatchObject({ outcome: "accepted" });
      expect(introspections()).toBe(before + 1);
    },
    { timeout: 15_000 },
  );
}

describeWithProgram(redisBinary, "a Redis server that fails", () => {
  describe.each<Construction>(["recommended", "plain"])("with the %s construction", (construction) => {
    test.each(outages)(
      "%s under load: every response is correct and in time",
      { timeout: 60_000 },
      async (_what, outage) => {
        const redis = await startRedis();
        const fleet = await createFleet(redis);
        const cases = await createCases(fleet);
        const [first, second] = [fleet.start({ construction }), fleet.start({ construction })];
        const members = [first, second];
        await Promise.all(members.map((member) => member.connect()));
        const healthy = await sendAll(members, cases);
        const failures = countFailures(members);

        let begun: Promise<void> | undefined;
        const begin = (): void => {
          begun = outage.begin(redis);
        };
        const failing = [...(await sendAll(members, cases, begin))];
        await begun;
        for (let round = 0; round < 2; round += 1) failing.push(...(await sendAll(members, cases)));
        expect(countFailures(members)).toBeGreaterThan(failures);
        await outage.end(redis);
        failing.push(...(await sendAll(members, cases)));
        expectCorrect([...healthy, ...failing]);
        expect(slowest(failing)).toBeLessThan(slowest(healthy) + DELAY);

        const fresh = fleet.start({ construction });
        await fresh.connect();
        await expectShared(fleet, first, fresh);
        await expectShared(fleet, fresh, second);
        expect(await Promise.all([first, second, fresh].map((member) => member.end()))).toEqual([0, 0, 0]);
      },
    );

    test(
      "is used as soon as it is available by processes that were started without it",
      { timeout: 60_000 },
      async () => {
        const redis = await startRedis();
        await redis.kill();
        const fleet = await createFleet(redis);
        const cases = await createCases(fleet);
        const [first, second] = [fleet.start({ construction }), fleet.start({ construction })];
        expectCorrect(await sendAll([first, second], cases));
        await redis.restart();
        await expectShared(fleet, first, second);
        expect(await Promise.all([first, second].map((member) => member.end()))).toEqual([0, 0]);
      },
    );
  });
});

/** Counts how often the members reported a failure of Redis. */
function countFailures(members: readonly FleetMember[]): number {
  return members.flatMap(({ events }) => events).filter(({ outcome }) => outcome === "cache-unavailable").length;
}
