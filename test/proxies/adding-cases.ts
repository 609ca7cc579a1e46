import { describe, expect, test } from "vitest";
import type { Framework } from "./api.ts";
import type { Attempt, Fields } from "./attempt.ts";
import { forgedFields, type Front } from "./front.ts";
import { expectAccepted, expectRejected, type Outcome } from "./outcome.ts";
import type { Stage } from "./stage.ts";

const frameworks: readonly Framework[] = ["Express", "Fastify"];
const victim = "ec";

/** How many fields Node keeps by default. */
const LIMIT = 1000;

/** Header fields without a meaning; their name sorts before all others, for proxies that send fields in that order. */
function filler(count: number): Fields {
  return Array.from({ length: count }, () => ["a", ""] as const);
}

/** The cases of a proxy that adds its header to that of the client, and is trusted by its address. */
export function addingCases(stage: () => Stage, front: Front): void {
  describe.each(frameworks)(`${front.name}, %s`, (framework) => {
    const ask = (attempt: Attempt): Promise<Outcome> => stage().ask({ front, framework }, attempt);
    const forged = (): Fields => forgedFields(front, stage().pki.clients[victim]);

    test("accepts a client that sends no such header, with its own token only", async () => {
      expectAccepted(await ask({ client: victim, token: victim }), victim);
      expectRejected(await ask({ client: "thief", token: victim }), "ERR_BINDING_MISMATCH");
    });

    test("accepts such a client among many header fields, with its own token only", async () => {
      const headers = filler(LIMIT - 50);
      expectAccepted(await ask({ client: victim, token: victim, headers }), victim);
      expectRejected(await ask({ client: "thief", token: victim, headers }), "ERR_BINDING_MISMATCH");
    });

    test("rejects a client that sends the victim's header", async () => {
      const headers = forged();
      expectRejected(await ask({ client: "thief", token: victim, headers }), "ERR_CERTIFICATE_MALFORMED");
      expectRejected(await ask({ client: victim, token: victim, headers }), "ERR_CERTIFICATE_MALFORMED");
    });

    test("rejects a client that sends the victim's header, and many fields that hide the proxy's", async () => {
      const headers = [...forged(), ...filler(LIMIT + 100)];
      expectNotAccepted(await ask({ client: "thief", token: victim, headers }));
      expectNotAccepted(await ask({ token: victim, headers }));
    });

    // Where a proxy sorts the fields, only some numbers keep the first certificate header and lose the second.
    test("rejects it whatever number of fields would hide the proxy's", async () => {
      for (let count = LIMIT - 10; count < LIMIT + 30; count += 1) {
        const outcome = await ask({ client: "thief", token: victim, headers: [...forged(), ...filler(count)] });
        expectNotAccepted(outcome);
      }
    });
  });
}

/** The API did not accept the request: its header list is malformed, or Node had too much of it; 502: while the proxy wrote. */
function expectNotAccepted({ status, body, code }: Outcome): void {
  expect([
    [400, "ERR_REQUEST_MALFORMED"],
    [401, "ERR_CERTIFICATE_MALFORMED"],
    [431, undefined],
    [502, undefined],
  ]).toContainEqual([status, code]);
  expect(body).not.toContain("client");
}
