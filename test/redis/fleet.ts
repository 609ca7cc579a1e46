import { createIssuer, type Issuer } from "@certbound/testing";
import { onTestFinished } from "vitest";
import { type Construction, type FleetMember, startMember } from "./fleet-member.ts";
import type { RedisServer } from "./redis-server.ts";
import { introspectionsOf, type IntrospectionSettings, optionsFor } from "./verifiers.ts";

/** An issuer, and the processes that introspect its tokens. The processes end with the test. */
export interface Fleet {
  readonly issuer: Issuer;
  /** Returns the number of introspection requests. */
  readonly introspections: () => number;
  /** Starts a process. */
  readonly start: (settings?: IntrospectionSettings & { readonly construction?: Construction }) => FleetMember;
}

/**
 * Creates a fleet that shares a Redis server. All use the system clock, as Redis does.
 *
 * @param timerScale by how much the timers of the processes are slowed down: a loaded machine can need more than the 250 ms
 *   that a verifier waits for a shared cache
 */
export async function createFleet(redis: RedisServer, timerScale = 1): Promise<Fleet> {
  const issuer = await createIssuer();
  onTestFinished(issuer.close);
  return {
    issuer,
    introspections: () => introspectionsOf(issuer),
    start: ({ construction = "recommended", ...settings } = {}) => {
      const member = startMember({
        path: redis.socket,
        construction,
        timerScale,
        options: optionsFor(issuer, settings),
      });
      onTestFinished(async () => {
        await member.end();
      });
      return member;
    },
  };
}
