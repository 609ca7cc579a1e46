import { Keyv } from "keyv";
import { expect, test, vi } from "vitest";
import type { Verifier } from "../../../src/verifier.ts";
import { outcomeOf } from "../../support/outcome.ts";
import { client, startIssuerInTest, thief, verifierOf } from "../../support/verification.ts";

const cacheKey = "the secret of all who share a cache";

test.each([
  ["share a response", cacheKey, 1],
  ["do not share a response with different cacheKeys", `${cacheKey}.`, 2],
])("two verifiers with a Keyv on a Map %s", async (_what, anotherKey, requestCount) => {
  const issuer = await startIssuerInTest();
  const { introspectionClient, introspectionEndpoint, requests } = issuer;
  const entries = new Map<string, unknown>();
  const cache = new Keyv(entries);
  const verifierWith = (key: string): Verifier =>
    verifierOf(issuer, { introspection: { ...introspectionClient, cache, cacheKey: key } });
  const token = await issuer.opaqueToken({ boundTo: client });

  const first = verifierWith(cacheKey).verify(token, { clientCertificate: client.certificate });
  expect(await outcomeOf(first)).toBe("accepted");
  // The verifier does not wait for the write.
  await vi.waitFor(() => expect(entries.size).toBe(1));
  const second = verifierWith(anotherKey);
  const stolen = second.verify(token, { clientCertificate: thief.certificate });
  expect(await outcomeOf(stolen)).toBe("ERR_BINDING_MISMATCH");
  expect(await outcomeOf(second.verify(token, { clientCertificate: client.certificate }))).toBe("accepted");
  expect(requests.filter((path) => path === introspectionEndpoint.pathname)).toHaveLength(requestCount);
  await vi.waitFor(() => expect(entries.size).toBe(requestCount));
});
