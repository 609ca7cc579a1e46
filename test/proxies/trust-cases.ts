import { describe, expect, test } from "vitest";
import type { Framework } from "./api.ts";
import type { Attempt } from "./attempt.ts";
import { forgedFields, type Front, secret } from "./front.ts";
import { expectAccepted, expectNotAccepted, expectRejected, type Outcome } from "./outcome.ts";
import type { Route, Stage } from "./stage.ts";

const frameworks: readonly Framework[] = ["Express", "Fastify"];
const victim = "ec";

/** Tests a proxy that verifies certificates on one listener and accepts any certificate on another. */
export function listenerCases(stage: () => Stage, fronts: { readonly verified: Front; readonly any: Front }): void {
  const anyListener: Route = { front: fronts.any, framework: "Express" };
  const verifyingListener: Route = { front: fronts.verified, framework: "Express" };

  test.each(["TLSv1.2", "TLSv1.3"] as const)(
    "the verifying listener does not accept a session of the other listener: %s",
    async (tlsVersion) => {
      const { send } = stage();
      const { session } = await send(anyListener, { client: "selfSigned", token: "selfSigned", tlsVersion });
      expect(session).toBeDefined();
      expectNotAccepted(await send(verifyingListener, { token: "selfSigned", tlsVersion, session }));
      expectNotAccepted(
        await send(verifyingListener, { client: "selfSigned", token: "selfSigned", tlsVersion, session }),
      );
    },
  );
}

/** Tests an API that requires verified certificates, behind the listener that accepts any certificate. */
export function unverifiedCases(stage: () => Stage, front: Front): void {
  test.each(frameworks)(`${front.name}, %s: rejects a certificate that the proxy did not verify`, async (framework) => {
    const { send } = stage();
    const route = { front, framework };
    expectAccepted(await send(route, { client: victim, token: victim }), victim);
    const selfSigned = await send(route, { client: "selfSigned", token: "selfSigned" });
    expectRejected(selfSigned, "ERR_CERTIFICATE_UNTRUSTED");
  });
}

/** Tests requests that bypass a proxy that is trusted by its secret and its address. */
export function pastProxyCases(stage: () => Stage, front: Front): void {
  describe.each(frameworks)(`${front.name}, %s, bypassing the proxy`, (framework) => {
    const correctSecret = [secret.header, secret.value] as const;
    const wrongSecret = [secret.header, `${secret.value}x`] as const;
    const forge = (...additional: (readonly [string, string])[]): Attempt => ({
      token: victim,
      headers: [...forgedFields(front, stage().pki.clients[victim]), ...additional],
    });
    const send = (attempt: Attempt): Promise<Outcome> => stage().sendDirectly({ front, framework }, attempt);

    test("rejects the header without the secret", async () => {
      expectRejected(await send(forge()), "ERR_CERTIFICATE_UNTRUSTED");
    });

    test("rejects the header with a wrong secret, or with both secrets", async () => {
      expectRejected(await send(forge(wrongSecret)), "ERR_CERTIFICATE_UNTRUSTED");
      expectRejected(await send(forge(correctSecret, wrongSecret)), "ERR_CERTIFICATE_UNTRUSTED");
    });

    test("rejects the secret from another address", async () => {
      expectRejected(await send({ ...forge(correctSecret), from: "127.0.0.2" }), "ERR_CERTIFICATE_UNTRUSTED");
    });

    test("accepts a request with the secret from the proxy's address, even if another program sent it", async () => {
      expectAccepted(await send({ ...forge(correctSecret), from: "127.0.0.1" }), victim);
    });
  });
}
