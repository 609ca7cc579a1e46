import { fc } from "@fast-check/vitest";
import { expect, test } from "vitest";
import { createAuthenticator } from "../../src/authenticator.ts";
import { type Outcome, outcomeOf } from "../support/outcome.ts";
import { client, startIssuer, verifierOf } from "../support/verification.ts";

const issuer = await startIssuer();
const token = await issuer.accessToken({ boundTo: client });
const authenticate = createAuthenticator({
  verifier: verifierOf(issuer),
  certificateResolver: () => client.certificate,
})();

const name = fc.constantFrom(
  "Authorization",
  "authorization",
  "AUTHORIZATION",
  "Proxy-Authorization",
  "X-Authorization",
  "Cookie",
);
const value = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(`Bearer ${token}`, `bearer   ${token}`) },
  fc.constantFrom(
    token,
    `Bearer${token}`,
    `Bearer \t${token}`,
    `Bearer ${token} `,
    `Bearer ${token}, Bearer ${token}`,
    `Basic ${token}`,
    "Bearer",
    "Bearer ",
    "Bearer a b",
    "Bearer other",
    "",
  ),
  fc.string({ maxLength: 20 }),
);

/** RFC 6750 section 2.1, with the scheme in any letter case (RFC 9110 section 11.1). */
function expectedOf(values: readonly string[]): Outcome {
  if (values.length > 1) return "ERR_REQUEST_MALFORMED";
  const [credentials = ""] = values;
  if (!/^bearer(?:[ \t]|$)/i.test(credentials)) return "ERR_TOKEN_MISSING";
  const [, text] = /^bearer +([^\s,]+)$/i.exec(credentials) ?? [];
  if (text === undefined) return "ERR_REQUEST_MALFORMED";
  return text === token ? "accepted" : "ERR_TOKEN_MALFORMED";
}

test("an authenticator accepts a token only if it is the whole content of exactly one Authorization header", async () => {
  const outcomes = new Set<Outcome>();
  const property = fc.asyncProperty(fc.array(fc.tuple(name, value), { maxLength: 4 }), async (headers) => {
    const expected = expectedOf(headers.flatMap(([field, text]) => (/^authorization$/i.test(field) ? [text] : [])));
    expect(await outcomeOf(authenticate({ rawHeaders: headers.flat(), socket: {} }))).toBe(expected);
    outcomes.add(expected);
  });
  await fc.assert(property, { seed: 6750, numRuns: 300 });
  const all: readonly Outcome[] = ["accepted", "ERR_REQUEST_MALFORMED", "ERR_TOKEN_MALFORMED", "ERR_TOKEN_MISSING"];
  expect([...outcomes].toSorted()).toEqual(all.toSorted());
});
