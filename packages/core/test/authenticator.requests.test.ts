import { forwardedHeaders } from "@certbound/testing";
import { describe, expect, test } from "vitest";
import { createAuthenticator, type RequestOptions } from "../src/authenticator.ts";
import type { IncomingRequest } from "../src/http/incoming-request.ts";
import { envoy } from "../src/proxy/formats/envoy.ts";
import { kong } from "../src/proxy/formats/kong.ts";
import { nginx } from "../src/proxy/formats/nginx.ts";
import { traefik } from "../src/proxy/formats/traefik.ts";
import { fromProxy } from "../src/proxy/from-proxy.ts";
import { outcomeOf } from "./support/outcome.ts";
import { client, startIssuer, thief, verifierOf } from "./support/verification.ts";

const issuer = await startIssuer();
const token = await issuer.accessToken({ boundTo: client });
const secret = "0123456789abcdef0123456789abcdef";
const trust = { secret: { header: "x-proxy-secret", value: secret } };

/** Returns the headers of a request that a proxy forwards for the client. */
function headersFor(identity = client, more: Record<string, string | string[]> = {}) {
  return {
    authorization: `Bearer ${token}`,
    "x-proxy-secret": secret,
    ...forwardedHeaders("nginx", identity),
    ...more,
  };
}

function authenticatorWith(options: RequestOptions<IncomingRequest> = {}, verifiedTokens: false | number = 1000) {
  const verifier = verifierOf(issuer, { verifiedTokens });
  const certificateResolver = fromProxy(nginx(), { trust });
  return createAuthenticator<IncomingRequest>({ verifier, certificateResolver, ...options });
}

type Shape = (headers: Record<string, string | string[]>) => IncomingRequest;

/** The kinds of requests without usable `rawHeaders`. */
const shapes: readonly (readonly [string, Shape])[] = [
  ["a WHATWG Request", (headers) => new Request("https://api.example/", { headers: entriesOf(headers) })],
  ["a request whose rawHeaders are empty", (headers) => ({ rawHeaders: [], headers, socket: {} })],
  ["a request without rawHeaders and socket", (headers) => ({ headers }) as unknown as IncomingRequest],
  [
    "a WHATWG Request in a framework's request",
    (headers) => ({ raw: new Request("https://a.example", { headers: entriesOf(headers) }) }) as never,
  ],
];

function entriesOf(headers: Record<string, string | string[]>): [string, string][] {
  return Object.entries(headers).flatMap(([name, value]) =>
    [value].flat().map((each): [string, string] => [name, each]),
  );
}

describe.each([1000, false] as const)("with verifiedTokens: %s", (verifiedTokens) => {
  describe.each(shapes)("%s", (_name, shape) => {
    const authenticate = authenticatorWith({}, verifiedTokens)();
    const outcome = (headers: Record<string, string | string[]>) => outcomeOf(authenticate(shape(headers)));

    test("is accepted with the client's certificate, and rejected with a thief's certificate", async () => {
      for (const attempt of [1, 2]) {
        expect([attempt, await outcome(headersFor())]).toEqual([attempt, "accepted"]);
        expect([attempt, await outcome(headersFor(thief))]).toEqual([attempt, "ERR_BINDING_MISMATCH"]);
      }
    });

    test.each<[string, Record<string, string | string[]>, string]>([
      ["no token", { authorization: [] }, "ERR_TOKEN_MISSING"],
      ["two tokens", { authorization: [`Bearer ${token}`, `Bearer ${token}`] }, "ERR_REQUEST_MALFORMED"],
      ["two joined tokens", { authorization: `Bearer ${token}, Bearer ${token}` }, "ERR_REQUEST_MALFORMED"],
      ["no certificate", { "ssl-client-cert": [] }, "ERR_CERTIFICATE_MISSING"],
      ["no secret", { "x-proxy-secret": [] }, "ERR_CERTIFICATE_UNTRUSTED"],
      ["another secret", { "x-proxy-secret": secret.toUpperCase() }, "ERR_CERTIFICATE_UNTRUSTED"],
      ["the secret twice", { "x-proxy-secret": [secret, secret] }, "ERR_CERTIFICATE_UNTRUSTED"],
      ["a failed verification", { "ssl-client-verify": "FAILED" }, "ERR_CERTIFICATE_UNTRUSTED"],
      ["two verification results", { "ssl-client-verify": ["SUCCESS", "SUCCESS"] }, "ERR_CERTIFICATE_UNTRUSTED"],
    ])("is rejected with %s", async (_case, more, code) => {
      expect(await outcome(headersFor(client, more))).toBe(code);
    });

    test("is rejected with two certificates in any order", async () => {
      const { "ssl-client-cert": own = "" } = forwardedHeaders("nginx", client);
      const { "ssl-client-cert": other = "" } = forwardedHeaders("nginx", thief);
      for (const pair of [
        [own, other],
        [other, own],
        [own, own],
      ]) {
        expect(await outcome(headersFor(client, { "ssl-client-cert": pair }))).toBe("ERR_CERTIFICATE_MALFORMED");
        const joined = pair.join(", ");
        expect(await outcome(headersFor(client, { "ssl-client-cert": joined }))).toBe("ERR_CERTIFICATE_MALFORMED");
      }
    });

    test.each([
      ["traefik", traefik()],
      ["envoy", envoy({ elements: 2, index: 1 })],
    ] as const)("is rejected with a list from %s, which may be two joined headers", async (name, format) => {
      const [header = "", value] = Object.entries(forwardedHeaders(name, client))[0] ?? [];
      const authenticateList = authenticatorWith({ certificateResolver: fromProxy(format, { trust }) })();
      const list = { ...headersFor(), [header]: `${forwardedHeaders(name, thief)[header]},${value}` };
      expect(await outcomeOf(authenticateList(shape(list)))).toBe("ERR_CERTIFICATE_MALFORMED");
    });

    test.each([
      ["traefik", traefik()],
      ["envoy", envoy()],
    ] as const)("is accepted with one element from %s", async (name, format) => {
      const authenticateOne = authenticatorWith({ certificateResolver: fromProxy(format, { trust }) })();
      const headers = { ...headersFor(), ...forwardedHeaders(name, client) };
      expect(await outcomeOf(authenticateOne(shape(headers)))).toBe("accepted");
    });

    test("does not meet trust rules about the connection, because it does not expose its connection", async () => {
      for (const given of [
        { addresses: ["127.0.0.1"] },
        { unixSocket: true },
        { certificateThumbprints: [client.thumbprint] },
        { ...trust, addresses: ["127.0.0.1"] },
      ] as const) {
        const certificateResolver = fromProxy(nginx(), { trust: given });
        const result = outcomeOf(authenticatorWith({ certificateResolver })()(shape(headersFor())));
        expect(await result).toBe("ERR_CERTIFICATE_UNTRUSTED");
      }
    });

    test("has no certificate without a certificateResolver", async () => {
      const authenticated = authenticatorWith({ certificateResolver: undefined })()(shape(headersFor()));
      expect(await outcomeOf(authenticated)).toBe("ERR_CERTIFICATE_MISSING");
    });
  });
});

test("the detail states that a WHATWG Request does not expose its connection", async () => {
  const request = new Request("https://api.example", { headers: { authorization: `Bearer ${token}` } });
  const authenticated = authenticatorWith({ certificateResolver: undefined })()(request);
  await expect(authenticated).rejects.toMatchObject({
    detail: expect.stringContaining("does not expose its connection"),
  });
});

test("callbacks receive the WHATWG Request itself, and its body is not read", async () => {
  const seen: unknown[] = [];
  const see = (request: unknown): void => void seen.push(request);
  const request = new Request("https://api.example", { method: "POST", body: "body", headers: headersFor() });
  const authenticate = authenticatorWith({
    certificateResolver: (given) => (see(given), client.certificate),
    tokenResolver: (given) => (see(given), token),
    onRejected: (_error, given) => see(given),
  });
  await authenticate({ authorize: (_token, given) => (see(given), true) })(request);
  await expect(authenticate({ authorize: (_token, given) => (see(given), false) })(request)).rejects.toMatchObject({
    code: "ERR_ACCESS_DENIED",
  });
  expect(seen).toHaveLength(7);
  expect(new Set(seen)).toEqual(new Set([request]));
  expect([request.bodyUsed, await request.text()]).toEqual([false, "body"]);
});

describe("dangerouslyTrustEverySender", () => {
  const everySender = { dangerouslyTrustEverySender: true } as const;
  const headers = { authorization: `Bearer ${token}`, ...forwardedHeaders("nginx", client) };

  test("trusts the header of every request", async () => {
    const authenticate = authenticatorWith({ certificateResolver: fromProxy(nginx(), { trust: everySender }) })();
    expect(await outcomeOf(authenticate(new Request("https://api.example", { headers })))).toBe("accepted");
    const stolen = { ...headers, ...forwardedHeaders("nginx", thief) };
    expect(await outcomeOf(authenticate(new Request("https://api.example", { headers: stolen })))).toBe(
      "ERR_BINDING_MISMATCH",
    );
  });

  test.each([
    ["a secret", trust],
    ["addresses", { addresses: ["127.0.0.1"] }],
    ["a unix socket", { unixSocket: true }],
    ["certificates", { certificateThumbprints: [client.thumbprint] }],
  ])("cannot be combined with %s", (_name, other) => {
    const both = { ...everySender, ...other } as typeof everySender;
    expect(() => fromProxy(nginx(), { trust: both })).toThrow(/dangerouslyTrustEverySender/);
  });

  test.each([false, "true", 1])("must be true, not %j", (value) => {
    const bad = { dangerouslyTrustEverySender: value } as never;
    expect(() => fromProxy(nginx(), { trust: bad })).toThrow(/dangerouslyTrustEverySender/);
  });

  test("is not sufficient for a format whose proxy passes on the header of the client", () => {
    expect(() => fromProxy(kong(), { trust: everySender })).toThrow(TypeError);
    expect(() => fromProxy(kong({ dangerouslyAssumeHeaderStripped: true }), { trust: everySender })).not.toThrow();
  });

  test("is not read from Object.prototype", () => {
    Reflect.set(Object.prototype, "dangerouslyTrustEverySender", true);
    try {
      expect(() => fromProxy(nginx(), { trust: {} })).toThrow(/empty/);
    } finally {
      Reflect.deleteProperty(Object.prototype, "dangerouslyTrustEverySender");
    }
  });
});
