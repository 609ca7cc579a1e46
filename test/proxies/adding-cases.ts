import { describe, expect, test } from "vitest";
import type { Framework } from "./api.ts";
import type { Attempt, Fields } from "./attempt.ts";
import { forgedFields, type Front } from "./front.ts";
import { expectAccepted, expectRejected, type Outcome } from "./outcome.ts";
import type { Stage } from "./stage.ts";

const frameworks: readonly Framework[] = ["Express", "Fastify"];
const victim = "ec";

/** The number of header fields that Node keeps by default. */
const LIMIT = 1000;

/** Returns meaningless header fields. Their name sorts before all others, for proxies that sort fields. */
function filler(count: number): Fields {
  return Array.from({ length: count }, () => ["a", ""] as const);
}

/** Tests a proxy that adds its header to the client's header and is trusted by its address. */
export function addingCases(stage: () => Stage, front: Front): void {
  describe.each(frameworks)(`${front.name}, %s`, (framework) => {
    const send = (attempt: Attempt): Promise<Outcome> => stage().send({ front, framework }, attempt);
    const forgedHeaders = (): Fields => forgedFields(front, stage().pki.clients[victim]);

    test("accepts a client without a forged header, only with the client's token", async () => {
      expectAccepted(await send({ client: victim, token: victim }), victim);
      expectRejected(await send({ client: "thief", token: victim }), "ERR_BINDING_MISMATCH");
    });

    test("accepts a client with many header fields, only with the client's token", async () => {
      const headers = filler(LIMIT - 50);
      expectAccepted(await send({ client: victim, token: victim, headers }), victim);
      expectRejected(await send({ client: "thief", token: victim, headers }), "ERR_BINDING_MISMATCH");
    });

    test("rejects a client that sends the victim's header", async () => {
      const headers = forgedHeaders();
      expectRejected(await send({ client: "thief", token: victim, headers }), "ERR_CERTIFICATE_MALFORMED");
      expectRejected(await send({ client: victim, token: victim, headers }), "ERR_CERTIFICATE_MALFORMED");
    });

    test("rejects a client that sends the victim's header and many fields that hide the proxy's header", async () => {
      const headers = [...forgedHeaders(), ...filler(LIMIT + 100)];
      expectRejectedByApiOrNode(await send({ client: "thief", token: victim, headers }));
      expectRejectedByApiOrNode(await send({ token: victim, headers }));
    });

    // If the proxy sorts the fields, Node keeps the first certificate header and drops the second only for some counts.
    test("rejects the victim's header with any number of fields around the limit", async () => {
      for (let count = LIMIT - 10; count < LIMIT + 30; count += 1) {
        const outcome = await send({ client: "thief", token: victim, headers: [...forgedHeaders(), ...filler(count)] });
        expectRejectedByApiOrNode(outcome);
      }
    });
  });
}

/** Expects a rejection by the API, or by Node because of too many headers (502 if the proxy was still writing). */
function expectRejectedByApiOrNode({ status, body, code }: Outcome): void {
  expect([
    [400, "ERR_REQUEST_MALFORMED"],
    [401, "ERR_CERTIFICATE_MALFORMED"],
    [431, undefined],
    [502, undefined],
  ]).toContainEqual([status, code]);
  expect(body).not.toContain("client");
}
