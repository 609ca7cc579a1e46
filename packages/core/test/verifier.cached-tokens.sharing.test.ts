import { tamperSignature } from "@certbound/testing";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { VerifyOptions } from "../src/requirements.ts";
import { json, status } from "./support/endpoint.ts";
import { startHeldEndpoint } from "./support/held-endpoint.ts";
import { outcomeOf } from "./support/outcome.ts";
import { client, now, startIssuer, thief, verifierOf } from "./support/verification.ts";

const issuer = await startIssuer();

beforeEach(() => void vi.useFakeTimers({ toFake: ["performance"] }));
afterEach(() => {
  vi.useRealTimers();
});

/** Starts an API whose requests for keys are held until the test responds. */
async function waitingApi(options: { readonly verifiedTokens?: false } = {}) {
  const published = await startHeldEndpoint();
  const verifier = verifierOf(issuer, { jwks: published.url, ...options });
  return {
    published,
    verify: (token: string, use: Partial<VerifyOptions> = {}) =>
      verifier.verify(token, { clientCertificate: client.certificate, ...use }),
  };
}

/** Creates `count` uses of a token, of each kind in turn. */
function uses(count: number, ...kinds: readonly Partial<VerifyOptions>[]): readonly Partial<VerifyOptions>[] {
  return Array.from({ length: count }, (_, index) => kinds[index % kinds.length] ?? {});
}

const stolen = { clientCertificate: thief.certificate };

describe("simultaneous requests with one new token", () => {
  test("share one verification, and get the same claims", async () => {
    const { published, verify } = await waitingApi();
    const token = await issuer.accessToken({ boundTo: client });
    const verifying = uses(32, {}).map((use) => verify(token, use));
    await published.waiting(1);
    published.release(json(issuer.jwks));
    const [first, ...others] = (await Promise.all(verifying)).map(({ claims }) => claims);
    expect(others).toHaveLength(31);
    for (const claims of others) expect(claims).toBe(first);
    expect((await verify(token)).claims).toBe(first);
    expect(published.requests).toHaveLength(1);
  });

  test("are verified separately if caching is disabled", async () => {
    const { published, verify } = await waitingApi({ verifiedTokens: false });
    const token = await issuer.accessToken({ boundTo: client });
    const verifying = uses(32, {}).map((use) => verify(token, use));
    await published.waiting(1);
    published.release(json(issuer.jwks));
    const claims = (await Promise.all(verifying)).map((accessToken) => accessToken.claims);
    expect(new Set(claims).size).toBe(32);
  });

  test.each([
    ["the client of the token", [{}, stolen], ["accepted", "ERR_BINDING_MISMATCH"]],
    ["the thief", [stolen, {}], ["ERR_BINDING_MISMATCH", "accepted"]],
  ] as const)("are checked by their respective certificates if %s comes first", async (_name, kinds, expected) => {
    const { published, verify } = await waitingApi();
    const token = await issuer.accessToken({ boundTo: client });
    const verifying = uses(32, ...kinds).map((use) => outcomeOf(verify(token, use)));
    await published.waiting(1);
    published.release(json(issuer.jwks));
    expect(await Promise.all(verifying)).toEqual(Array.from({ length: 16 }, () => expected).flat());
  });

  test("are checked by their respective certificates after the shared verification of the signature", async () => {
    // No check before the keys rejects these requests, so that all of them wait for the shared verification.
    const { published, verify } = await waitingApi();
    const token = await issuer.accessToken({ boundTo: client });
    const reported = { ...stolen, validateCertificateBinding: "report-only" } as const;
    const verifying = uses(32, {}, reported).map((use) => verify(token, use));
    await published.waiting(1);
    published.release(json(issuer.jwks));
    const bindings = (await Promise.all(verifying)).map(({ binding }) => binding);
    expect(bindings).toEqual(Array.from({ length: 16 }, () => ["verified", "rejected"]).flat());
  });

  test("are checked again by the time at which the signature is verified", async () => {
    const published = await startHeldEndpoint();
    let time = now;
    const verifier = verifierOf(issuer, { jwks: published.url, clock: () => time });
    const token = await issuer.accessToken({ boundTo: client, expiresIn: 60 });
    const verify = () => outcomeOf(verifier.verify(token, { clientCertificate: client.certificate }));
    const waiting = verify();
    await published.waiting(1);
    time += 65_000;
    published.release(json(issuer.jwks));
    expect(await waiting).toBe("ERR_TOKEN_EXPIRED");
    time -= 1;
    expect(await verify()).toBe("accepted");
  });

  test("are checked by their respective requirements", async () => {
    const { published, verify } = await waitingApi();
    const token = await issuer.accessToken({ boundTo: client });
    const kinds = [
      { scopes: ["read"] },
      { scopes: ["admin"] },
      { authorize: () => true },
      { authorize: () => false },
    ] as const;
    const verifying = uses(32, ...kinds).map((use) => outcomeOf(verify(token, use)));
    await published.waiting(1);
    published.release(json(issuer.jwks));
    const expected = ["accepted", "ERR_SCOPE_INSUFFICIENT", "accepted", "ERR_ACCESS_DENIED"];
    expect(await Promise.all(verifying)).toEqual(Array.from({ length: 8 }, () => expected).flat());
  });

  test("are all rejected if the signature is not valid, and so is the next request", async () => {
    const { published, verify } = await waitingApi();
    const token = await issuer.accessToken({ boundTo: client });
    const forged = tamperSignature(token);
    const verifying = uses(32, {}).map((use, index) => outcomeOf(verify(index % 2 === 0 ? forged : token, use)));
    await published.waiting(1);
    published.release(json(issuer.jwks));
    const expected = ["ERR_TOKEN_SIGNATURE", "accepted"];
    expect(await Promise.all(verifying)).toEqual(Array.from({ length: 16 }, () => expected).flat());
    expect(await outcomeOf(verify(forged))).toBe("ERR_TOKEN_SIGNATURE");
  });

  test("all fail if the keys cannot be fetched, and later requests try again", async () => {
    const { published, verify } = await waitingApi();
    const token = await issuer.accessToken({ boundTo: client });
    const failing = uses(32, {}).map((use) => outcomeOf(verify(token, use)));
    await published.waiting(1);
    published.release(status(500, {}));
    expect(new Set(await Promise.all(failing))).toEqual(new Set(["ERR_KEYS_UNAVAILABLE"]));
    expect(published.requests).toHaveLength(1);
    vi.advanceTimersByTime(1000);
    const trying = uses(32, {}, stolen).map((use) => outcomeOf(verify(token, use)));
    await published.waiting(1);
    published.release(json(issuer.jwks));
    const expected = ["accepted", "ERR_BINDING_MISMATCH"];
    expect(await Promise.all(trying)).toEqual(Array.from({ length: 16 }, () => expected).flat());
    expect(published.requests).toHaveLength(2);
  });
});
