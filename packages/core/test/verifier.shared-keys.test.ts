import { describe, expect, test } from "vitest";
import type { IssuerOptions } from "../src/options/configuration.ts";
import { createVerifier, type Verifier } from "../src/verifier.ts";
import { json, startEndpoint, status } from "./support/endpoint.ts";
import { eventsOf } from "./support/events.ts";
import { outcomeOf, reasonOf, rejectionOf } from "./support/outcome.ts";
import { client, now, startIssuerInTest } from "./support/verification.ts";

const [first, second] = ["https://first.example", "https://second.example"];
const use = { clientCertificate: client.certificate };

function verifierOf(...issuer: readonly IssuerOptions[]): Verifier {
  return createVerifier({ issuer, audience: null, clock: () => now });
}

/** Starts a server that publishes the keys of an issuer at every path. */
async function startKeys() {
  const kit = await startIssuerInTest();
  const { url, requests, respondWith } = await startEndpoint(json(kit.jwks));
  const token = (iss: string, kid?: string) =>
    kit.accessToken({ boundTo: client, claims: { iss }, ...(kid === undefined ? {} : { header: { kid } }) });
  return { url, requests, respondWith, token };
}

describe("issuers with the same jwks URL", () => {
  test("share one fetch and one cool-down", async () => {
    const { url, requests, token } = await startKeys();
    const jwks = `${url}/keys`;
    const verifier = verifierOf({ issuer: first, jwks }, { issuer: second, jwks: new URL(jwks) });
    await verifier.ready();
    expect(requests).toEqual(["/keys"]);
    for (const issuer of [first, second]) {
      expect(await outcomeOf(verifier.verify(await token(issuer), use))).toBe("accepted");
      expect(await outcomeOf(verifier.verify(await token(issuer, "unknown"), use))).toBe("ERR_TOKEN_KEY_UNKNOWN");
    }
    expect(requests).toEqual(["/keys"]);
  });

  test("share one fetch for their first tokens", async () => {
    const { url, requests, token } = await startKeys();
    const jwks = `${url}/keys`;
    const verifier = verifierOf({ issuer: first, jwks }, { issuer: second, jwks });
    const tokens = await Promise.all([token(first), token(second)]);
    const outcomes = await Promise.all(tokens.map((each) => outcomeOf(verifier.verify(each, use))));
    expect(outcomes).toEqual(["accepted", "accepted"]);
    expect(requests).toEqual(["/keys"]);
  });

  test("share the back-off after a failure, which is published for each of them", async () => {
    const { url, requests, respondWith, token } = await startKeys();
    respondWith(status(500, {}));
    const jwks = `${url}/keys`;
    const verifier = verifierOf({ issuer: first, jwks }, { issuer: second, jwks });
    const events = [eventsOf("certbound:keys", first), eventsOf("certbound:keys", second)];
    for (const issuer of [first, second]) {
      expect(await outcomeOf(verifier.verify(await token(issuer), use))).toBe("ERR_KEYS_UNAVAILABLE");
    }
    expect(requests).toEqual(["/keys"]);
    expect(events).toMatchObject([[{ outcome: "failed", issuer: first }], [{ outcome: "failed", issuer: second }]]);
  });

  test("accept only their respective algorithms", async () => {
    const { url, token } = await startKeys();
    const jwks = `${url}/keys`;
    const verifier = verifierOf({ issuer: first, jwks }, { issuer: second, jwks, algorithms: ["PS512"] });
    expect(await outcomeOf(verifier.verify(await token(first), use))).toBe("accepted");
    expect(await outcomeOf(verifier.verify(await token(second), use))).toBe("ERR_TOKEN_ALGORITHM");
  });
});

test("issuers with different jwks URLs, and different verifiers, share no fetches", async () => {
  const { url, requests } = await startKeys();
  const entries = [
    { issuer: first, jwks: `${url}/keys` },
    { issuer: second, jwks: `${url}/keys?second` },
  ];
  await verifierOf(...entries).ready();
  expect(requests.toSorted()).toEqual(["/keys", "/keys?second"]);
  await verifierOf(...entries).ready();
  expect(requests).toHaveLength(4);
});

describe("ready", () => {
  const introspection = { clientId: "api", clientSecret: "MARKER" };

  test("names only the issuer whose keys cannot be fetched", async () => {
    const good = await startKeys();
    const broken = await startEndpoint(status(503, {}));
    const working = { issuer: first, jwks: `${good.url}/keys` };
    const failing = { issuer: second, jwks: `${broken.url}/MARKER` };
    const error = await rejectionOf(verifierOf(working, failing).ready());
    expect(error).toMatchObject({
      code: "ERR_KEYS_UNAVAILABLE",
      detail: `${second}: the keys of the issuer could not be fetched: the key set endpoint responded with status 503`,
      retryAfter: 1,
    });
    await expect(verifierOf(working).ready()).resolves.toBeUndefined();
  });

  test("names the issuer without metadata, and the failure of each location", async () => {
    const { url } = await startEndpoint(status(404, {}));
    const { code, detail } = await rejectionOf(verifierOf({ issuer: url }).ready());
    expect({ code, detail }).toEqual({
      code: "ERR_KEYS_UNAVAILABLE",
      detail:
        `${url}: the keys of the issuer could not be fetched: ` +
        "/.well-known/oauth-authorization-server: status 404; /.well-known/openid-configuration: status 404",
    });
  });

  test("names the issuer whose introspection endpoint is not found", async () => {
    const good = await startKeys();
    const { url } = await startEndpoint(status(404, {}));
    const entry = { issuer: url, jwks: `${good.url}/keys`, introspection };
    const { code, detail } = await rejectionOf(verifierOf({ issuer: first, jwks: `${good.url}/keys` }, entry).ready());
    expect(code).toBe("ERR_INTROSPECTION_UNAVAILABLE");
    expect(detail).toMatch(new RegExp(`^${url}: introspection failed: /\\.well-known/`));
    expect(detail).not.toContain("MARKER");
  });

  test("does not change an error of the application", async () => {
    const bearerToken = (): string => {
      throw new Error("vault is sealed");
    };
    const good = await startKeys();
    const withBearerToken = { clientId: "api", bearerToken, endpoint: `${good.url}/introspect` };
    const entry = { issuer: first, jwks: `${good.url}/keys`, introspection: withBearerToken };
    expect(await reasonOf(verifierOf(entry).ready())).toMatchObject({ name: "BearerTokenError" });
  });
});
