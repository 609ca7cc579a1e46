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

/** What the JWT or the answer says of its binding. */
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

/** The binding, or the code of its rejection; what is reported stands behind `rejected`. */
function judge(names: readonly Source[], mode: BindingMode, certificate = own): string {
  let judged = "";
  const rejected = outcome(() => {
    const result = evaluateBinding(
      names.map((name) => sources[name]),
      certificate,
      mode,
    );
    judged = result.binding === "rejected" ? `rejected ${result.bindingError.code}` : result.binding;
  });
  return rejected === "accepted" ? judged : rejected;
}

describe("two sources of a binding, the JWT and what the issuer says of it", () => {
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
  ])("with cnf %s and cnf %s are judged in each mode", (jwt, answer, strict, whenBound) => {
    expect(judge([jwt, answer], true)).toBe(strict);
    expect(judge([jwt, answer], "when-bound")).toBe(whenBound);
    expect(judge([jwt, answer], "report-only")).toBe(strict === "verified" ? strict : `rejected ${strict}`);
  });

  test.each<[Source, string]>([
    ["null", "ERR_BINDING_MALFORMED"],
    ["empty", "ERR_BINDING_MALFORMED"],
    ["dpop", "ERR_BINDING_UNSUPPORTED"],
    ["both", "ERR_BINDING_UNSUPPORTED"],
  ])("are rejected when one is %s, whichever, and whatever the other says (M-07, M-08)", (bad, code) => {
    for (const other of ["none", "own"] as const) {
      for (const order of [[bad, other] as const, [other, bad] as const]) {
        expect(judge(order, true)).toBe(code);
        expect(judge(order, "when-bound")).toBe(code);
        expect(judge(order, "report-only")).toBe(`rejected ${code}`);
      }
    }
  });

  test.each<[Source, Source]>([
    ["own", "none"],
    ["none", "own"],
    ["own", "own"],
  ])("with cnf %s and cnf %s are rejected without a certificate (M-03)", (jwt, answer) => {
    for (const mode of [true, "when-bound"] as const) {
      expect(judge([jwt, answer], mode, absent)).toBe("ERR_CERTIFICATE_MISSING");
      expect(judge([jwt, answer], mode, unreadable)).toBe("ERR_CERTIFICATE_MALFORMED");
    }
    expect(judge([jwt, answer], "report-only", absent)).toBe("rejected ERR_CERTIFICATE_MISSING");
  });

  test("that both bind nothing need no certificate under when-bound", () => {
    expect(judge(["none", "none"], "when-bound", absent)).toBe("unbound");
    expect(judge(["none", "none"], true, absent)).toBe("ERR_CERTIFICATE_MISSING");
  });

  test("bind by an own member only (P-01)", () => {
    const { cnf } = sources.own;
    const polluted = (mode: BindingMode) => withPollutedPrototype("cnf", cnf, () => judge(["none", "none"], mode));
    expect(polluted(true)).toBe("ERR_BINDING_REQUIRED");
    expect(polluted("when-bound")).toBe("unbound");
  });

  test("give the certificate that they are bound to, and no other", () => {
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

test("no source at all binds nothing", () => {
  expect(judge([], true)).toBe("ERR_BINDING_REQUIRED");
  expect(judge([], "when-bound")).toBe("unbound");
  expect(judge([], "report-only")).toBe("rejected ERR_BINDING_REQUIRED");
});
