import { fc, test } from "@fast-check/vitest";
import { forgeToken, type RunningServer } from "@certbound/testing";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { Agent, request as httpsRequest } from "node:https";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { createParties, NOW } from "../helpers/parties.ts";
import { exposedBackends, startRoute, watchForCrashes } from "./open-api.ts";

const parties = await createParties();
await parties.issuer.close();
const goodToken = await parties.token();

/** The characters that a header field may contain (RFC 9110 section 5.5). */
const fieldCharacter = fc
  .oneof(fc.constant(0x09), fc.integer({ min: 0x20, max: 0x7e }), fc.integer({ min: 0x80, max: 0xff }))
  .map((code) => String.fromCodePoint(code));
const fieldText = fc.string({ unit: fieldCharacter, maxLength: 200 });

const base64url = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString("base64url"));
const parts = fc.array(fc.oneof(base64url, fc.string({ unit: fieldCharacter, maxLength: 20 })), { maxLength: 7 });

/** Strings in the format of a JWT, with arbitrary content. */
const forged = fc
  .record({
    header: fc.oneof(
      fc.json(),
      fc.record({
        alg: fc.constantFrom("ES256", "RS256", "none", "HS256", 1),
        typ: fc.jsonValue(),
        kid: fc.jsonValue(),
      }),
    ),
    payload: fc.oneof(
      fc.json(),
      fc.record({ iss: fc.constant(parties.issuer.issuer), exp: fc.jsonValue(), cnf: fc.jsonValue() }),
    ),
    signature: fc.uint8Array({ maxLength: 80 }),
  })
  .map(forgeToken);

/** The valid token with one changed character. */
const misspelled = fc
  .record({ at: fc.nat(goodToken.length - 1), by: fieldCharacter })
  .filter(({ at, by }) => goodToken.charAt(at) !== by)
  .map(({ at, by }) => goodToken.slice(0, at) + by + goodToken.slice(at + 1));

const authorization = fc.oneof(
  fieldText,
  fieldText.map((text) => `Bearer ${text}`),
  parts.map((list) => `Bearer ${list.join(".")}`),
  forged.map((token) => `Bearer ${token}`),
  misspelled.map((token) => `Bearer ${token}`),
);

const claimName = fc.constantFrom(
  "iss",
  "sub",
  "aud",
  "exp",
  "nbf",
  "iat",
  "jti",
  "client_id",
  "scope",
  "cnf",
  "__proto__",
);
const headerName = fc.constantFrom("alg", "kid", "typ", "crit", "b64", "jwk", "jku", "x5c", "zip", "enc", "__proto__");

const many = { seed: 8705, numRuns: 200 };
const some = { seed: 8705, numRuns: 100 };

describe.each(exposedBackends)("%s", (_name, backend) => {
  let api: RunningServer;
  let handled = 0;
  const { certificate: cert, key } = parties.client;
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: parties.ca.certificate, cert, key });
  const expectNoCrash = watchForCrashes();

  beforeAll(async () => {
    api = await startRoute(backend, parties, { onHandled: () => (handled += 1) });
  });
  afterAll(async () => {
    agent.destroy();
    await api.close();
  });

  const send = async (header: string): Promise<number | undefined> => {
    const outgoing = httpsRequest(api.url, { agent, headers: { authorization: header } }).end();
    const [incoming] = (await once(outgoing, "response")) as [IncomingMessage];
    incoming.resume();
    await once(incoming, "end");
    return incoming.statusCode;
  };

  test.prop([authorization], many)("rejects any invalid Authorization header", async (header) => {
    const before = handled;
    expect([400, 401]).toContain(await send(header));
    expect(handled).toBe(before);
    await expectNoCrash();
  });

  test.prop([claimName, fc.jsonValue()], some)("accepts or rejects any claim with any value", async (name, value) => {
    const claims = Object.fromEntries([[name, value]]);
    expect([200, 401]).toContain(await send(`Bearer ${await parties.token({ claims })}`));
    await expectNoCrash();
  });

  test.prop([headerName, fc.jsonValue()], some)(
    "accepts or rejects any header member with any value",
    async (name, value) => {
      const header = Object.fromEntries([[name, value]]);
      expect([200, 401]).toContain(await send(`Bearer ${await parties.token({ header })}`));
      await expectNoCrash();
    },
  );

  test("accepts the valid token afterwards", async () => {
    expect(await send(`Bearer ${goodToken}`)).toBe(200);
    expect(await send(`Bearer ${await parties.token({ claims: { exp: NOW - 60 } })}`)).toBe(401);
  });
});
