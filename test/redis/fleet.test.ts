import { createHash } from "node:crypto";
import { expect, test, vi } from "vitest";
import { describeWithProgram } from "../helpers/program.ts";
import { createFleet, type Fleet } from "./fleet.ts";
import { type Entry, redisBinary, type RedisServer, startRedis } from "./redis-server.ts";
import { anotherKey, CACHE_DURATION, cacheKey, client, thief } from "./verifiers.ts";

async function createScene(): Promise<{ readonly redis: RedisServer; readonly fleet: Fleet }> {
  const redis = await startRedis();
  return { redis, fleet: await createFleet(redis) };
}

/** Waits until Redis holds so many entries: processes do not wait for what they write. */
function held(redis: RedisServer, count: number): Promise<readonly Entry[]> {
  return vi.waitFor(
    async () => {
      const entries = await redis.entries();
      expect(entries).toHaveLength(count);
      return entries;
    },
    { timeout: 10_000 },
  );
}

describeWithProgram(redisBinary, "processes that share a Redis", () => {
  test("ask once about a token that all of them verify", async () => {
    const { redis, fleet } = await createScene();
    const [first, second] = [fleet.start(), fleet.start()];
    await Promise.all([first.connect(), second.connect()]);
    const token = await fleet.issuer.opaqueToken({ boundTo: client });
    expect(await first.verify(token, client)).toMatchObject({ outcome: "accepted" });
    await held(redis, 1);
    expect(await second.verify(token, client)).toMatchObject({ outcome: "accepted" });
    expect(await second.verify(token, thief)).toMatchObject({ outcome: "ERR_BINDING_MISMATCH" });
    expect(fleet.introspections()).toBe(1);
    expect(second.events).toEqual([]);
  });

  test("reject at once what another has found out to be stolen", async () => {
    const { redis, fleet } = await createScene();
    const [first, second] = [fleet.start(), fleet.start()];
    await Promise.all([first.connect(), second.connect()]);
    const token = await fleet.issuer.opaqueToken({ boundTo: client });
    expect(await first.verify(token, thief)).toMatchObject({ outcome: "ERR_BINDING_MISMATCH" });
    await held(redis, 1);
    expect(await second.verify(token, thief)).toMatchObject({ outcome: "ERR_BINDING_MISMATCH" });
    expect(await second.verify(token, client)).toMatchObject({ outcome: "accepted" });
    expect(fleet.introspections()).toBe(1);
  });

  test("do not know what others wrote under another cacheKey", async () => {
    const { redis, fleet } = await createScene();
    const [first, second] = [fleet.start(), fleet.start({ key: anotherKey })];
    await Promise.all([first.connect(), second.connect()]);
    const token = await fleet.issuer.opaqueToken({ boundTo: client });
    expect(await first.verify(token, client)).toMatchObject({ outcome: "accepted" });
    await held(redis, 1);
    expect(await second.verify(token, client)).toMatchObject({ outcome: "accepted" });
    expect(fleet.introspections()).toBe(2);
    await held(redis, 2);
  });

  test("use an unsigned response only where signedResponse is not set", async () => {
    const { redis, fleet } = await createScene();
    const [first, second, signed] = [fleet.start(), fleet.start(), fleet.start({ signedResponse: true })];
    await Promise.all([first, second, signed].map((member) => member.connect()));
    const token = await fleet.issuer.opaqueToken({ boundTo: client });
    expect(await first.verify(token, client)).toMatchObject({ outcome: "accepted" });
    await held(redis, 1);
    expect(await second.verify(token, client)).toMatchObject({ outcome: "accepted" });
    expect(fleet.introspections()).toBe(1);
    expect(await signed.verify(token, client)).toMatchObject({ outcome: "accepted" });
    expect(fleet.introspections()).toBe(2);
    await held(redis, 2);
  });

  test("keep inactive tokens to themselves", async () => {
    const { redis, fleet } = await createScene();
    const [first, second] = [fleet.start(), fleet.start()];
    await Promise.all([first.connect(), second.connect()]);
    const [revoked, good] = await Promise.all([
      fleet.issuer.opaqueToken({ boundTo: client }),
      fleet.issuer.opaqueToken({ boundTo: client }),
    ]);
    fleet.issuer.revoke(revoked);
    expect(await first.verify(revoked, client)).toMatchObject({ outcome: "ERR_TOKEN_INACTIVE" });
    // What is written about the second token comes after what would have been written about the first.
    expect(await first.verify(good, client)).toMatchObject({ outcome: "accepted" });
    await held(redis, 1);
    expect(await second.verify(revoked, client)).toMatchObject({ outcome: "ERR_TOKEN_INACTIVE" });
    expect(await second.verify(good, client)).toMatchObject({ outcome: "accepted" });
    expect(fleet.introspections()).toBe(3);
  });

  test("leave nothing in Redis that tells of a token, its claims or its client", async () => {
    const { redis, fleet } = await createScene();
    const member = fleet.start();
    await member.connect();
    const claims = { sub: "a subject", client_id: "a client", scope: "a-scope", groups: ["a group"] };
    const token = await fleet.issuer.opaqueToken({ boundTo: client, claims });
    expect(await member.verify(token, client)).toMatchObject({ outcome: "accepted" });
    const [entry] = await held(redis, 1);

    const { issuer, audience, introspectionClient } = fleet.issuer;
    const digests = (["hex", "base64", "base64url"] as const).map((encoding) =>
      createHash("sha256").update(token).digest(encoding),
    );
    const told = [...Object.values(claims).flat(), issuer, audience, "active", "x5t#S256", "token_type"];
    const secrets = [token, ...digests, client.thumbprint, ...told, ...Object.values(introspectionClient), cacheKey];
    const text = readings(entry).join("\n");
    expect(text).toContain('{"alg":"dir","enc":"A256GCM"}');
    expect(secrets.filter((secret) => text.includes(secret))).toEqual([]);
  });

  test("have Redis forget an answer after cacheDuration, or when the token expires if that is sooner", async () => {
    const { redis, fleet } = await createScene();
    const member = fleet.start();
    await member.connect();
    const [long, short] = await Promise.all([
      fleet.issuer.opaqueToken({ boundTo: client, expiresIn: 300 }),
      fleet.issuer.opaqueToken({ boundTo: client, expiresIn: 20 }),
    ]);
    expect(await member.verify(long, client)).toMatchObject({ outcome: "accepted" });
    const [untilDuration] = await held(redis, 1);
    expect(await member.verify(short, client)).toMatchObject({ outcome: "accepted" });
    const untilExpiry = (await held(redis, 2)).find(({ name }) => name !== untilDuration?.name);
    expect(untilExpiry?.timeToLive).toBeGreaterThan(0);
    expect(untilExpiry?.timeToLive).toBeLessThanOrEqual(20_000);
    expect(untilDuration?.timeToLive).toBeGreaterThan(20_000);
    expect(untilDuration?.timeToLive).toBeLessThanOrEqual(CACHE_DURATION * 1000);
  });
});

/** An entry as it is, and all that base64url makes of its parts. */
function readings(entry: Entry | undefined): readonly string[] {
  const whole = [entry?.name ?? "", entry?.value ?? ""];
  const parts = whole.flatMap((text) => text.split(/[^\w-]+/));
  return [...whole, ...parts.map((part) => Buffer.from(part, "base64url").toString("latin1"))];
}
