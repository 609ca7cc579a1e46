import { createIssuer, type Issuer } from "@certbound/testing";
import { onTestFinished } from "vitest";
import { type Construction, type FleetMember, startMember } from "./fleet-member.ts";
import type { RedisServer } from "./redis-server.ts";
import { introspectionsOf, type IntrospectionSettings, optionsFor } from "./verifiers.ts";

/** An issuer, and the processes that ask it; all end with the test. */
export interface Fleet {
  readonly issuer: Issuer;
  /** How often the issuer was asked about a token. */
  readonly introspections: () => number;
  /** Starts a process. */
  readonly start: (settings?: IntrospectionSettings & { readonly construction?: Construction }) => FleetMember;
}

/** Founds a fleet that shares a Redis; the clocks are those of this machine, as that of Redis is. */
export async function createFleet(redis: RedisServer): Promise<Fleet> {
  const issuer = await createIssuer();
  onTestFinished(issuer.close);
  return {
    issuer,
    introspections: () => introspectionsOf(issuer),
    start: ({ construction = "recommended", ...settings } = {}) => {
      const member = startMember({ path: redis.socket, construction, options: optionsFor(issuer, settings) });
      onTestFinished(async () => {
        await member.end();
      });
      return member;
    },
  };
}
