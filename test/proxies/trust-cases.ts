import { describe, expect, test } from "vitest";
import type { Framework } from "./api.ts";
import type { Attempt } from "./attempt.ts";
import { forgedFields, type Front, secret } from "./front.ts";
import { expectAccepted, expectNothing, expectRejected, type Outcome } from "./outcome.ts";
import type { Route, Stage } from "./stage.ts";

const frameworks: readonly Framework[] = ["Express", "Fastify"];
const victim = "ec";

/** The cases of a proxy that verifies certificates at one listener and takes any at another. */
export function listenerCases(stage: () => Stage, fronts: { readonly verified: Front; readonly any: Front }): void {
  const there: Route = { front: fronts.any, framework: "Express" };
  const here: Route = { front: fronts.verified, framework: "Express" };

  test.each(["TLSv1.2", "TLSv1.3"] as const)(
    "a session of the listener for any certificate does not help at the other: %s",
    async (tlsVersion) => {
      const { ask } = stage();
      const { session } = await ask(there, { client: "selfSigned", token: "selfSigned", tlsVersion });
      expect(session).toBeDefined();
      expectNothing(await ask(here, { token: "selfSigned", tlsVersion, session }));
      expectNothing(await ask(here, { client: "selfSigned", token: "selfSigned", tlsVersion, session }));
    },
  );
}

/** The cases of an API that wants verified certificates, behind the listener that takes any. */
export function unverifiedCases(stage: () => Stage, front: Front): void {
  test.each(frameworks)(`${front.name}, %s: rejects what the proxy did not verify`, async (framework) => {
    const { ask } = stage();
    const route = { front, framework };
    expectAccepted(await ask(route, { client: victim, token: victim }), victim);
    const selfSigned = await ask(route, { client: "selfSigned", token: "selfSigned" });
    expectRejected(selfSigned, "ERR_CERTIFICATE_UNTRUSTED");
  });
}

/** The cases of requests that go past a proxy that is trusted by its secret and its address. */
export function pastProxyCases(stage: () => Stage, front: Front): void {
  describe.each(frameworks)(`${front.name}, %s, past the proxy`, (framework) => {
    const known = [secret.header, secret.value] as const;
    const guess = [secret.header, `${secret.value}x`] as const;
    const forge = (...more: (readonly [string, string])[]): Attempt => ({
      token: victim,
      headers: [...forgedFields(front, stage().pki.clients[victim]), ...more],
    });
    const ask = (attempt: Attempt): Promise<Outcome> => stage().askDirectly({ front, framework }, attempt);

    test("rejects the header without the secret", async () => {
      expectRejected(await ask(forge()), "ERR_CERTIFICATE_UNTRUSTED");
    });

    test("rejects the header with another secret, or with both", async () => {
      expectRejected(await ask(forge(guess)), "ERR_CERTIFICATE_UNTRUSTED");
      expectRejected(await ask(forge(known, guess)), "ERR_CERTIFICATE_UNTRUSTED");
    });

    test("rejects the secret from another address", async () => {
      expectRejected(await ask({ ...forge(known), from: "127.0.0.2" }), "ERR_CERTIFICATE_UNTRUSTED");
    });

    test("accepts whoever has both: the secret must be the proxy's alone", async () => {
      expectAccepted(await ask({ ...forge(known), from: "127.0.0.1" }), victim);
    });
  });
}
