import { createHash } from "node:crypto";
import { expect, test, vi } from "vitest";
import { describeWithProgram } from "../helpers/program.ts";
import { createFleet, type Fleet } from "./fleet.ts";
import { type Entry, redisBinary, type RedisServer, startRedis } from "./redis-server.ts";
import { anotherKey, CACHE_DURATION, cacheKey, client, thief } from "./verifiers.ts";

async function createScene(): Promise<{ readonly redis: RedisServer; readonly fleet: Fleet }> {
  const redis = await startRedis();
  return { redis, fleet: await createFleet(redis, 40) };
}

/** Waits until Redis has this many entries, because processes do not wait for their writes. */
function waitForEntries(redis: RedisServer, count: number): Promise<readonly Entry[]> {
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
  test("introspect a token once if all of them verify it", async () => {
    const { redis, fleet } = await createScene();
    const [first, second] = [fleet.start(), fleet.start()];
    await Promise.all([first.connect(), second.connect()]);
    const token = await fleet.issuer.opaqueToken({ boundTo: client });
    expect(await first.verify(token, client)).toMatchObject({ outcome: "accepted" });
    await waitForEntries(redis, 1);
    expect(await second.verify(token, client)).toMatchObject({ outcome: "accepted" });
    expect(await second.verify(token, thief)).toMatchObject({ outcome: "ERR_BINDING_MISMATCH" });
    expect(fleet.introspections()).toBe(1);
    expect(second.events).toEqual([]);
  });

  test("reject a stolen token with the response that another process has cached", async () => {
    const { redis, fleet } = await createScene();
    const [first, second] = [fleet.start(), fleet.start()];
    await Promise.all([first.connect(), second.connect()]);
    const token = await fleet.issuer.opaqueToken({ boundTo: client });
    expect(await first.verify(token, thief)).toMatchObject({ outcome: "ERR_BINDING_MISMATCH" });
    await waitForEntries(redis, 1);
    expect(await second.verify(token, thief)).toMatchObject({ outcome: "ERR_BINDING_MISMATCH" });
    expect(await second.verify(token, client)).toMatchObject({ outcome: "accepted" });
    expect(fleet.introspections()).toBe(1);
  });

  test("do not use responses that were cached with another cacheKey", async () => {
    const { redis, fleet } = await createScene();
    const [first, second] = [fleet.start(), fleet.start({ key: anotherKey })];
    await Promise.all([first.connect(), second.connect()]);
    const token = await fleet.issuer.opaqueToken({ boundTo: client });
    expect(await first.verify(token, client)).toMatchObject({ outcome: "accepted" });
    await waitForEntries(redis, 1);
    expect(await second.verify(token, client)).toMatchObject({ outcome: "accepted" });
    expect(fleet.introspections()).toBe(2);
    await waitForEntries(redis, 2);
  });

  test("use an unsigned response only if signedResponse is not set", async () => {
    const { redis, fleet } = await createScene();
    const [first, second, signed] = [fleet.start(), fleet.start(), fleet.start({ signedResponse: true })];
    await Promise.all([first, second, signed].map((member) => member.connect()));
    const token = await fleet.issuer.opaqueToken({ boundTo: client });
    expect(await first.verify(token, client)).toMatchObject({ outcome: "accepted" });
    await waitForEntries(redis, 1);
    expect(await second.verify(token, client)).toMatchObject({ outcome: "accepted" });
    expect(fleet.introspections()).toBe(1);
    expect(await signed.verify(token, client)).toMatchObject({ outcome: "accepted" });
    expect(fleet.introspections()).toBe(2);
    await waitForEntries(redis, 2);
  });

  test("do not share the responses for inactive tokens", async () => {
    const { redis, fleet } = await createScene();
    const [first, second] = [fleet.start(), fleet.start()];
    await Promise.all([first.connect(), second.connect()]);
    const [revoked, good] = await Promise.all([
      fleet.issuer.opaqueToken({ boundTo: client }),
      fleet.issuer.opaqueToken({ boundTo: client }),
    ]);
    fleet.issuer.revoke(revoked);
    expect(await first.verify(revoked, client)).toMatchObject({ outcome: "ERR_TOKEN_INACTIVE" });
    // An entry for the first token would have been written before the entry for the second.
    expect(await first.verify(good, client)).toMatchObject({ outcome: "accepted" });
    await waitForEntries(redis, 1);
    expect(await second.verify(revoked, client)).toMatchObject({ outcome: "ERR_TOKEN_INACTIVE" });
    expect(await second.verify(good, client)).toMatchObject({ outcome: "accepted" });
    expect(fleet.introspections()).toBe(3);
  });

  test("store nothing readable about a token, its claims or its client in Redis", async () => {
    const { redis, fleet } = await createScene();
    const member = fleet.start();
    await member.connect();
    const claims = { sub: "a subject", client_id: "a client", scope: "a-scope", groups: ["a group"] };
    const token = await fleet.issuer.opaqueToken({ boundTo: client, claims });
    expect(await member.verify(token, client)).toMatchObject({ outcome: "accepted" });
    const [entry] = await waitForEntries(redis, 1);

    const { issuer, audience, introspectionClient } = fleet.issuer;
    const digests = (["hex", "base64", "base64url"] as const).map((encoding) =>
      createHash("sha256").update(token).digest(encoding),
    );
    const responseTexts = [...Object.values(claims).flat(), issuer, audience, "active", "x5t#S256", "token_type"];
    const secrets = [
      token,
      ...digests,
      client.thumbprint,
      ...responseTexts,
      ...Object.values(introspectionClient),
      cacheKey,
    ];
    const text = readings(entry).join("\n");
    expect(text).toContain('{"alg":"dir","enc":"A256GCM"}');
    expect(secrets.filter((secret) => text.includes(secret))).toEqual([]);
  });

  test("store a response in Redis for cacheDuration, or until the token expires if that is earlier", async () => {
    const { redis, fleet } = await createScene();
    const member = fleet.start();
    await member.connect();
    const [long, short] = await Promise.all([
      fleet.issuer.opaqueToken({ boundTo: client, expiresIn: 300 }),
      fleet.issuer.opaqueToken({ boundTo: client, expiresIn: 20 }),
    ]);
    expect(await member.verify(long, client)).toMatchObject({ outcome: "accepted" });
    const [untilDuration] = await waitForEntries(redis, 1);
    expect(await member.verify(short, client)).toMatchObject({ outcome: "accepted" });
    const untilExpiry = (await waitForEntries(redis, 2)).find(({ name }) => name !== untilDuration?.name);
    expect(untilExpiry?.timeToLive).toBeGreaterThan(0);
    expect(untilExpiry?.timeToLive).toBeLessThanOrEqual(20_000);
    expect(untilDuration?.timeToLive).toBeGreaterThan(20_000);
    expect(untilDuration?.timeToLive).toBeLessThanOrEqual(CACHE_DURATION * 1000);
  });
});

/** Returns the name and the value of an entry, and all their parts decoded as base64url. */
function readings(entry: Entry | undefined): readonly string[] {
  const whole = [entry?.name ?? "", entry?.value ?? ""];
  const parts = whole.flatMap((text) => text.split(/[^\w-]+/));
  return [...whole, ...parts.map((part) => Buffer.from(part, "base64url").toString("latin1"))];
}
