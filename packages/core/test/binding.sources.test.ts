import { createSelfSignedCertificate } from "@certbound/testing";
import { describe, expect, test } from "vitest";
import { type BindingMode, evaluateBinding, presentedCertificate } from "../src/binding.ts";
import type { AccessTokenError } from "../src/errors.ts";
import { outcome } from "./support/outcome.ts";
import { withPollutedPrototype } from "./support/polluted-prototype.ts";

const client = await createSelfSignedCertificate({ commonName: "client" });
const thief = await createSelfSignedCertificate({ commonName: "thief" });

const own = presentedCertificate(client.certificate);
const absent = presentedCertificate(null);
const unreadable = presentedCertificate("x");

/** Claims of the JWT or of the introspection response. */
const sources = {
  none: {},
  own: { cnf: { "x5t#S256": client.thumbprint } },
  other: { cnf: { "x5t#S256": thief.thumbprint } },
  null: { cnf: null },
  empty: { cnf: {} },
  dpop: { cnf: { jkt: client.thumbprint } },
  both: { cnf: { "x5t#S256": client.thumbprint, jkt: client.thumbprint } },
};

type Source = keyof typeof sources;

/** Returns the binding, or the code of the error; under report-only, a rejection is `rejected` and the code. */
function evaluate(names: readonly Source[], mode: BindingMode, certificate = own): string {
  let evaluated = "";
  const rejected = outcome(() => {
    const result = evaluateBinding(
      names.map((name) => sources[name]),
      certificate,
      mode,
    );
    evaluated = result.binding === "rejected" ? `rejected ${result.bindingError.code}` : result.binding;
  });
  return rejected === "accepted" ? evaluated : rejected;
}

describe("two sources, a JWT and its introspection response", () => {
  const required = "ERR_BINDING_REQUIRED";
  const mismatch = "ERR_BINDING_MISMATCH";

  test.each<[Source, Source, string, string]>([
    ["none", "none", required, "unbound"],
    ["none", "own", "verified", "verified"],
    ["none", "other", mismatch, mismatch],
    ["own", "none", "verified", "verified"],
    ["own", "own", "verified", "verified"],
    ["own", "other", mismatch, mismatch],
    ["other", "none", mismatch, mismatch],
    ["other", "own", mismatch, mismatch],
    ["other", "other", mismatch, mismatch],
  ])("are evaluated in each mode: cnf %s and cnf %s", (jwt, response, strict, whenBound) => {
    expect(evaluate([jwt, response], true)).toBe(strict);
    expect(evaluate([jwt, response], "when-bound")).toBe(whenBound);
    expect(evaluate([jwt, response], "report-only")).toBe(strict === "verified" ? strict : `rejected ${strict}`);
  });

  test.each<[Source, string]>([
    ["null", "ERR_BINDING_MALFORMED"],
    ["empty", "ERR_BINDING_MALFORMED"],
    ["dpop", "ERR_BINDING_UNSUPPORTED"],
    ["both", "ERR_BINDING_UNSUPPORTED"],
  ])("are rejected when the cnf of one is %s, regardless of the other cnf (M-07, M-08)", (bad, code) => {
    for (const other of ["none", "own"] as const) {
      for (const order of [[bad, other] as const, [other, bad] as const]) {
        expect(evaluate(order, true)).toBe(code);
        expect(evaluate(order, "when-bound")).toBe(code);
        expect(evaluate(order, "report-only")).toBe(`rejected ${code}`);
      }
    }
  });

  test.each<[Source, Source]>([
    ["own", "none"],
    ["none", "own"],
    ["own", "own"],
  ])("are rejected without a certificate: cnf %s and cnf %s (M-03)", (jwt, response) => {
    for (const mode of [true, "when-bound"] as const) {
      expect(evaluate([jwt, response], mode, absent)).toBe("ERR_CERTIFICATE_MISSING");
      expect(evaluate([jwt, response], mode, unreadable)).toBe("ERR_CERTIFICATE_MALFORMED");
    }
    expect(evaluate([jwt, response], "report-only", absent)).toBe("rejected ERR_CERTIFICATE_MISSING");
  });

  test("do not need a certificate under when-bound if neither has cnf", () => {
    expect(evaluate(["none", "none"], "when-bound", absent)).toBe("unbound");
    expect(evaluate(["none", "none"], true, absent)).toBe("ERR_CERTIFICATE_MISSING");
  });

  test("ignore an inherited cnf (P-01)", () => {
    const { cnf } = sources.own;
    const polluted = (mode: BindingMode) => withPollutedPrototype("cnf", cnf, () => evaluate(["none", "none"], mode));
    expect(polluted(true)).toBe("ERR_BINDING_REQUIRED");
    expect(polluted("when-bound")).toBe("unbound");
  });

  test("yield a client certificate only if both match it", () => {
    expect(evaluateBinding([sources.none, sources.own], own, true)).toEqual({
      binding: "verified",
      clientCertificate: own,
    });
    const reported = evaluateBinding([sources.own, sources.other], own, "report-only");
    const { bindingError, ...rest } = reported as { readonly bindingError: AccessTokenError };
    expect(rest).toEqual({ binding: "rejected", clientCertificate: undefined, presentedCertificate: own });
    expect(bindingError.code).toBe("ERR_BINDING_MISMATCH");
  });
});

test("an empty list of sources counts as unbound", () => {
  expect(evaluate([], true)).toBe("ERR_BINDING_REQUIRED");
  expect(evaluate([], "when-bound")).toBe("unbound");
  expect(evaluate([], "report-only")).toBe("rejected ERR_BINDING_REQUIRED");
});
