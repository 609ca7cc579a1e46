import { describe, expect, test } from "vitest";
import type { BindingMode } from "../src/binding.ts";
import { introspectingVerifier } from "./support/introspecting-verifier.ts";
import { type Outcome, outcomeOf } from "./support/outcome.ts";
import { client, startIssuer, thief, verifierOf } from "./support/verification.ts";

const issuer = await startIssuer();
const tokenTypes = ["at+jwt", "JWT", null];
const use = { clientCertificate: client.certificate };

/** Issues a token with a nonce that is bound to the client. */
function tokenWithNonce(typ: string | undefined, claims: object = {}): Promise<string> {
  return issuer.accessToken({ boundTo: client, header: { typ }, claims: { nonce: "n-0S6", ...claims } });
}

describe.each([
  ["without typ", undefined],
  ["with the typ JWT", "JWT"],
  ["with the typ at+jwt", "at+jwt"],
])("a bound token with a nonce, %s,", (_name, typ) => {
  test("is accepted if binding is required, cached or not", async () => {
    const verifier = verifierOf(issuer);
    const token = await tokenWithNonce(typ);
    for (const verify of [verifier.verify, verifier.verify]) {
      expect(await outcomeOf(verify(token, use))).toBe("accepted");
      expect(await outcomeOf(verify(token, { clientCertificate: thief.certificate }))).toBe("ERR_BINDING_MISMATCH");
    }
  });

  test.each<BindingMode>(["when-bound", "report-only"])(
    "is rejected under %j unless it is at+jwt, cached or not",
    async (mode) => {
      const verifier = verifierOf(issuer, { tokenTypes });
      const token = await tokenWithNonce(typ);
      const other = await issuer.accessToken({ boundTo: client, header: { typ } });
      const expected: Outcome = typ === "at+jwt" ? "accepted" : "ERR_TOKEN_TYPE";
      const weak = { ...use, validateCertificateBinding: mode };
      expect(await outcomeOf(verifier.verify(token, weak))).toBe(expected);
      await verifier.verify(token, use);
      expect(await outcomeOf(verifier.verify(token, weak))).toBe(expected);
      expect(await outcomeOf(verifier.verify(other, weak))).toBe("accepted");
    },
  );

  test.each(["at_hash", "c_hash", "events"])("that also has %s is rejected unless it is at+jwt", async (name) => {
    const expected: Outcome = typ === "at+jwt" ? "accepted" : "ERR_TOKEN_TYPE";
    expect(await outcomeOf(verifierOf(issuer).verify(await tokenWithNonce(typ, { [name]: "x" }), use))).toBe(expected);
  });
});

test("an unbound token with a nonce is rejected if binding is required", async () => {
  const token = await tokenWithNonce("JWT", { cnf: undefined });
  expect(await outcomeOf(verifierOf(issuer).verify(token, use))).toBe("ERR_BINDING_REQUIRED");
  const always = introspectingVerifier(issuer, { always: true });
  expect(await outcomeOf(always.verify(token, use))).toBe("ERR_BINDING_REQUIRED");
  expect(await outcomeOf(always.verify(await tokenWithNonce("JWT"), use))).toBe("accepted");
});
