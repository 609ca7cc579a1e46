import type { Identity } from "@certbound/testing";
import { describe, expect, test, vi } from "vitest";
import { describeWithProgram } from "../helpers/program.ts";
import { createFleet, type Fleet } from "./fleet.ts";
import type { Construction, FleetMember, Verdict } from "./fleet-member.ts";
import { redisBinary, type RedisServer, startRedis } from "./redis-server.ts";
import { client, thief } from "./verifiers.ts";

/** What is wrong with Redis for a while. */
interface Outage {
  readonly begin: (redis: RedisServer) => Promise<void>;
  readonly end: (redis: RedisServer) => Promise<void>;
}

const outages: readonly (readonly [string, Outage])[] = [
  ["is killed", { begin: (redis) => redis.kill(), end: (redis) => redis.restart() }],
  ["hangs", { begin: async (redis) => redis.freeze(), end: async (redis) => redis.thaw() }],
];

/** A request, and the one right answer to it. */
interface Case {
  readonly token: string;
  readonly sender: Identity;
  readonly expected: Verdict["outcome"];
}

interface Answer extends Verdict {
  readonly expected: Verdict["outcome"];
}

/** How many requests are under way at a time. */
const LOOPS = 8;
/** How much longer a request may take than without an outage, in milliseconds; 250 of them are the verifier's patience. */
const DELAY = 1000;

/** Forty requests: good, stolen, revoked and unbound in turn. */
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
 * Sends every case in each of the loops, to one member or another; every member has forgotten what it knew.
 *
 * @param onHalf is called when half of the answers are there
 */
async function sendAll(
  members: readonly FleetMember[],
  cases: readonly Case[],
  onHalf: () => void = () => {},
): Promise<readonly Answer[]> {
  for (const member of members) member.passMinute();
  const answers: Answer[] = [];
  const loop = async (_item: unknown, index: number): Promise<void> => {
    const start = (index * cases.length) / LOOPS;
    for (const { token, sender, expected } of [...cases.slice(start), ...cases.slice(0, start)]) {
      const member = members[index % members.length] as FleetMember;
      answers.push({ expected, ...(await member.verify(token, sender)) });
      if (answers.length === (LOOPS * cases.length) / 2) onHalf();
    }
  };
  await Promise.all(Array.from({ length: LOOPS }, loop));
  return answers;
}

/** Every answer is the right one. */
function expectRight(answers: readonly Answer[]): void {
  expect(answers.length).toBeGreaterThan(0);
  expect(answers.filter(({ outcome, expected }) => outcome !== expected)).toEqual([]);
}

function slowest(answers: readonly Answer[]): number {
  return Math.max(...answers.map(({ duration }) => duration));
}

/** Waits until one member has from Redis what another has been told by the issuer. */
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
      const asked = introspections();
      expect(await writer.verify(token, client)).toMatchObject({ outcome: "accepted" });
      expect(await reader.verify(token, client)).toMatchObject({ outcome: "accepted" });
      expect(introspections()).toBe(asked + 1);
    },
    { timeout: 15_000 },
  );
}

describeWithProgram(redisBinary, "a Redis that fails", () => {
  describe.each<Construction>(["recommended", "plain"])("with the %s construction", (construction) => {
    test.each(outages)(
      "%s under load: every answer is right and in time",
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
        expectRight([...healthy, ...failing]);
        expect(slowest(failing)).toBeLessThan(slowest(healthy) + DELAY);

        const fresh = fleet.start({ construction });
        await fresh.connect();
        await expectShared(fleet, first, fresh);
        await expectShared(fleet, fresh, second);
        expect(await Promise.all([first, second, fresh].map((member) => member.end()))).toEqual([0, 0, 0]);
      },
    );

    test("is used once it is there, by processes that started without it", { timeout: 60_000 }, async () => {
      const redis = await startRedis();
      await redis.kill();
      const fleet = await createFleet(redis);
      const cases = await createCases(fleet);
      const [first, second] = [fleet.start({ construction }), fleet.start({ construction })];
      expectRight(await sendAll([first, second], cases));
      await redis.restart();
      await expectShared(fleet, first, second);
      expect(await Promise.all([first, second].map((member) => member.end()))).toEqual([0, 0]);
    });
  });
});

/** Counts how often the members found Redis to fail. */
function countFailures(members: readonly FleetMember[]): number {
  return members.flatMap(({ events }) => events).filter(({ outcome }) => outcome === "cache-unavailable").length;
}
