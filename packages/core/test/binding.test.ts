import { X509Certificate } from "node:crypto";
import { fc, test as fuzz } from "@fast-check/vitest";
import { createCertificateAuthority, createSelfSignedCertificate } from "@certbound/testing";
import { describe, expect, test } from "vitest";
import { type BindingMode, evaluateBinding, presentedCertificate, verifyCertificateBinding } from "../src/binding.ts";
import { AccessTokenError } from "../src/errors.ts";
import { outcome, rejection } from "./support/outcome.ts";
import { withPollutedPrototype } from "./support/polluted-prototype.ts";

const client = await createSelfSignedCertificate({ commonName: "client" });
const thief = await createSelfSignedCertificate({ commonName: "thief" });

/** SHA-256 of the empty byte string, in base64url. */
const emptyInputDigest = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";
/** The example of RFC 8705, appendix A. */
const rfc8705 = "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0";

const digest = Buffer.from(client.thumbprint, "base64url");
const hexadecimal = digest.toString("hex");

/** Verifies claims with this `cnf` against the client's certificate. */
function verified(cnf: unknown): ReturnType<typeof outcome> {
  return outcome(() => verifyCertificateBinding({ cnf }, client.certificate));
}

function replaceAt(text: string, index: number, character: string): string {
  return text.slice(0, index) + character + text.slice(index + 1);
}

describe("the confirmation claim", () => {
  test("is accepted with the thumbprint of the certificate", () => {
    expect(verified({ "x5t#S256": client.thumbprint })).toBe("accepted");
  });

  test("is rejected with the thumbprint of another certificate", () => {
    expect(verified({ "x5t#S256": thief.thumbprint })).toBe("ERR_BINDING_MISMATCH");
  });

  test("is accepted with the thumbprint in the example of RFC 8705 appendix A", () => {
    const check = (thumbprint: string) => () =>
      verifyCertificateBinding({ cnf: { "x5t#S256": rfc8705 } }, { thumbprint });
    expect(outcome(check(rfc8705))).toBe("accepted");
    expect(outcome(check(client.thumbprint))).toBe("ERR_BINDING_MISMATCH");
  });

  test.each(["x5t", "kid", "urn:example:unknown", "__proto__"])(
    "may have the member %s next to a matching thumbprint",
    (member) => {
      const text = `{"${member}":{"a":1},"x5t#S256":"${client.thumbprint}"}`;
      expect(verified(JSON.parse(text))).toBe("accepted");
    },
  );

  test.each(["jkt", "jwk", "jwe", "jku"])(
    "is rejected with %s next to any thumbprint, regardless of its value",
    (member) => {
      for (const value of [rfc8705, { kty: "EC" }, null]) {
        for (const { thumbprint } of [client, thief]) {
          expect(verified({ "x5t#S256": thumbprint, [member]: value })).toBe("ERR_BINDING_UNSUPPORTED");
        }
      }
      expect(verified({ "x5t#S256": thief.thumbprint, kid: rfc8705 })).toBe("ERR_BINDING_MISMATCH");
    },
  );

  test.each([
    ["jkt, as with DPoP", { jkt: rfc8705 }],
    ["jwk", { jwk: { kty: "EC" } }],
    ["jku", { jku: "https://keys.example" }],
    ["kid", { kid: "1" }],
    ["x5t, the SHA-1 thumbprint", { x5t: "A4DtL2JmUMhAsvJj5tKyn64Sqzk" }],
    ["the thumbprint as x5t", { x5t: client.thumbprint }],
    ["the thumbprint as x5t#s256", { "x5t#s256": client.thumbprint }],
    ["the thumbprint as X5T#S256", { "X5T#S256": client.thumbprint }],
    ["the thumbprint as x5t#S512", { "x5t#S512": client.thumbprint }],
    ["the thumbprint in a nested cnf", { cnf: { "x5t#S256": client.thumbprint } }],
    ["the thumbprint in __proto__", JSON.parse(`{"__proto__":{"x5t#S256":"${client.thumbprint}"}}`)],
  ])("is rejected if its only member is %s (M-07, M-08)", (_name, cnf) => {
    expect(verified(cnf)).toBe("ERR_BINDING_UNSUPPORTED");
  });

  test.each([
    ["null", null],
    ["true", true],
    ["false", false],
    ["a number", 0],
    ["an empty string", ""],
    ["the thumbprint itself", client.thumbprint],
    ["the object as JSON text", JSON.stringify({ "x5t#S256": client.thumbprint })],
    ["an array", []],
    ["an array of the object", [{ "x5t#S256": client.thumbprint }]],
    ["an empty object", {}],
  ])("is rejected as malformed when it is %s (M-07)", (_name, cnf) => {
    expect(verified(cnf)).toBe("ERR_BINDING_MALFORMED");
  });

  test.each([
    ["null", null],
    ["a number", 1],
    ["true", true],
    ["an object", { "x5t#S256": client.thumbprint }],
    ["an array of thumbprints", [client.thumbprint]],
    ["an empty array", []],
    ["the empty string", ""],
    ["the SHA-256 of an empty input (M-05)", emptyInputDigest],
    ["hexadecimal (M-06)", hexadecimal],
    ["hexadecimal in upper case", hexadecimal.toUpperCase()],
    ["hexadecimal with colons", hexadecimal.replaceAll(/..(?=.)/g, "$&:")],
    ["base64 with padding", digest.toString("base64")],
    ["base64url with padding", `${client.thumbprint}=`],
    ["a prefix of the thumbprint", client.thumbprint.slice(0, 42)],
    ["half of the thumbprint", client.thumbprint.slice(0, 22)],
    ["the thumbprint and one more character", `${client.thumbprint}A`],
    ["the thumbprint and a line feed", `${client.thumbprint}\n`],
    ["a space and the thumbprint", ` ${client.thumbprint}`],
    ["the thumbprint and a NUL", `${client.thumbprint}\0`],
    ["a letter that is not ASCII", replaceAt(client.thumbprint, 7, "é")],
    ["a character that is only in base64", replaceAt(client.thumbprint, 7, "+")],
    ["a SHA-1 thumbprint", "A4DtL2JmUMhAsvJj5tKyn64Sqzk"],
    ["the certificate itself", client.certificate],
  ])("is rejected as malformed when x5t#S256 is %s", (_name, thumbprint) => {
    expect(verified({ "x5t#S256": thumbprint })).toBe("ERR_BINDING_MALFORMED");
  });

  test("is rejected as malformed when the unused bits of its last character are set", () => {
    // 43 characters encode 258 bits, but a thumbprint has only 256, so one of four possible encodings is canonical.
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const canonical = alphabet.indexOf(client.thumbprint.slice(42));
    const encodings = [0, 1, 2, 3].map((bits) => client.thumbprint.slice(0, 42) + alphabet.charAt(canonical + bits));
    expect(encodings.map((text) => Buffer.from(text, "base64url").equals(digest))).toEqual([true, true, true, true]);
    expect(encodings.map((text) => verified({ "x5t#S256": text }))).toEqual([
      "accepted",
      "ERR_BINDING_MALFORMED",
      "ERR_BINDING_MALFORMED",
      "ERR_BINDING_MALFORMED",
    ]);
  });

  test("is case-sensitive (M-06)", () => {
    const index = client.thumbprint.slice(0, 42).search(/[a-z]/);
    const other = replaceAt(client.thumbprint, index, client.thumbprint.charAt(index).toUpperCase());
    expect(verified({ "x5t#S256": other })).toBe("ERR_BINDING_MISMATCH");
  });

  test("is required at the top level, under its exact name", () => {
    const check = (claims: object) => outcome(() => verifyCertificateBinding({ ...claims }, client.certificate));
    expect(check({ cnf: { "x5t#S256": client.thumbprint } })).toBe("accepted");
    expect(check({})).toBe("ERR_BINDING_REQUIRED");
    expect(check({ CNF: { "x5t#S256": client.thumbprint } })).toBe("ERR_BINDING_REQUIRED");
    expect(check({ "x5t#S256": client.thumbprint })).toBe("ERR_BINDING_REQUIRED");
    expect(check({ act: { cnf: { "x5t#S256": client.thumbprint } } })).toBe("ERR_BINDING_REQUIRED");
  });

  test("is not inherited, and neither are its members (P-01)", () => {
    const cnf = { "x5t#S256": client.thumbprint };
    const inheriting: object = Object.create({ cnf });
    expect(outcome(() => verifyCertificateBinding(inheriting, client.certificate))).toBe("ERR_BINDING_REQUIRED");
    expect(verified(Object.create(cnf))).toBe("ERR_BINDING_MALFORMED");
    expect(verified(Object.assign(Object.create(cnf), { kid: "1" }))).toBe("ERR_BINDING_UNSUPPORTED");
    const parsed = JSON.parse(`{"__proto__":{"cnf":{"x5t#S256":"${client.thumbprint}"}}}`);
    expect(outcome(() => verifyCertificateBinding(parsed, client.certificate))).toBe("ERR_BINDING_REQUIRED");
  });

  test("is not read from a polluted Object.prototype (P-01)", () => {
    const check = () => outcome(() => verifyCertificateBinding({}, client.certificate));
    const cnf = { "x5t#S256": client.thumbprint };
    expect(withPollutedPrototype("cnf", cnf, check)).toBe("ERR_BINDING_REQUIRED");
    expect(withPollutedPrototype("jkt", "a", () => verified(cnf))).toBe("accepted");
  });
});

describe("the certificate", () => {
  const forms = [
    ["PEM", (identity) => identity.certificate],
    ["PEM with CRLF", (identity) => identity.certificate.replaceAll("\n", "\r\n")],
    ["PEM without a line feed at the end", (identity) => identity.certificate.trimEnd()],
    ["PEM between white space", (identity) => `\n  ${identity.certificate}\n`],
    ["base64 DER", (identity) => Buffer.from(identity.der).toString("base64")],
    ["DER", (identity) => identity.der],
    ["DER in a Buffer", (identity) => Buffer.from(identity.der)],
    ["an X509Certificate", (identity) => new X509Certificate(identity.der)],
    ["a thumbprint", ({ thumbprint }) => ({ thumbprint })],
    ["a thumbprint and its certificate", ({ thumbprint, der }) => ({ thumbprint, x509: new X509Certificate(der) })],
  ] as const satisfies readonly (readonly [
    string,
    (identity: typeof client) => Parameters<typeof verifyCertificateBinding>[1],
  ])[];

  test.each(forms)("can be passed as %s", (_name, form) => {
    const claims = { cnf: { "x5t#S256": client.thumbprint } };
    expect(outcome(() => verifyCertificateBinding(claims, form(client)))).toBe("accepted");
    expect(outcome(() => verifyCertificateBinding(claims, form(thief)))).toBe("ERR_BINDING_MISMATCH");
  });

  test("must be the first one of a chain (M-04)", () => {
    const claims = { cnf: { "x5t#S256": client.thumbprint } };
    const check = (chain: string) => outcome(() => verifyCertificateBinding(claims, chain));
    expect(check(client.certificate + thief.certificate)).toBe("accepted");
    expect(check(thief.certificate + client.certificate)).toBe("ERR_BINDING_MISMATCH");
  });

  test("does not match another one with the same subject from the same CA (M-01)", async () => {
    const ca = await createCertificateAuthority();
    const [first, second] = await Promise.all([
      ca.issueClientCertificate({ commonName: "same" }),
      ca.issueClientCertificate({ commonName: "same" }),
    ]);
    const claims = { cnf: { "x5t#S256": first.thumbprint } };
    expect(outcome(() => verifyCertificateBinding(claims, first.certificate))).toBe("accepted");
    expect(outcome(() => verifyCertificateBinding(claims, second.certificate))).toBe("ERR_BINDING_MISMATCH");
  });

  test.each([
    ["null", null],
    ["an empty string", ""],
    ["an empty Uint8Array", new Uint8Array()],
    ["the SHA-256 of an empty input", { thumbprint: emptyInputDigest }],
  ])("is rejected as missing when it is %s, for any token (M-03, M-05)", (_name, input) => {
    for (const thumbprint of [client.thumbprint, emptyInputDigest, ""]) {
      const claims = { cnf: { "x5t#S256": thumbprint } };
      expect(outcome(() => verifyCertificateBinding(claims, input))).toBe("ERR_CERTIFICATE_MISSING");
    }
    expect(outcome(() => verifyCertificateBinding({}, input))).toBe("ERR_CERTIFICATE_MISSING");
  });

  test.each([
    ["arbitrary text", "certificate"],
    ["white space", " \n"],
    ["a bare thumbprint", client.thumbprint],
    ["escaped PEM", encodeURIComponent(client.certificate)],
    ["PEM without its end", client.certificate.slice(0, -30)],
    ["PEM in one line", client.certificate.replaceAll("\n", " ")],
    ["a list", `${Buffer.from(client.der).toString("base64")},${Buffer.from(thief.der).toString("base64")}`],
    ["DER with an additional byte", Buffer.concat([client.der, Buffer.of(0)])],
    ["DER without its last byte", client.der.subarray(0, -1)],
    ["a thumbprint in hexadecimal", { thumbprint: hexadecimal }],
    ["an empty thumbprint", { thumbprint: "" }],
    ["a thumbprint of another certificate", { thumbprint: client.thumbprint, x509: new X509Certificate(thief.der) }],
  ])("is rejected as malformed when it is %s (M-09)", (_name, input) => {
    const claims = { cnf: { "x5t#S256": client.thumbprint } };
    expect(outcome(() => verifyCertificateBinding(claims, input))).toBe("ERR_CERTIFICATE_MALFORMED");
  });

  test.each([
    ["undefined", undefined],
    ["a number", 5],
    ["a boolean", true],
    ["an empty object", {}],
    ["an array", [client.certificate]],
    ["a function", () => client.certificate],
    ["a thumbprint that is a number", { thumbprint: 5 }],
    ["a thumbprint that is undefined", { thumbprint: undefined }],
    ["a thumbprint in an array", { thumbprint: [client.thumbprint] }],
  ])("is rejected with a TypeError when it is %s", (_name, input) => {
    const claims = { cnf: { "x5t#S256": client.thumbprint } };
    expect(() => verifyCertificateBinding(claims, input as never)).toThrow(TypeError);
    expect(() => presentedCertificate(input as never)).toThrow(/client certificate/);
  });

  test("is checked before the confirmation claim", () => {
    for (const cnf of [null, {}, { jkt: "a" }, { "x5t#S256": thief.thumbprint }]) {
      expect(outcome(() => verifyCertificateBinding({ cnf }, null))).toBe("ERR_CERTIFICATE_MISSING");
      expect(outcome(() => verifyCertificateBinding({ cnf }, "x"))).toBe("ERR_CERTIFICATE_MALFORMED");
    }
  });
});

describe("the claims", () => {
  test.each([[null], [undefined], ["text"], [5], [["cnf"]]])(
    "are rejected with a TypeError when they are %j",
    (claims) => {
      expect(() => verifyCertificateBinding(claims as never, client.certificate)).toThrow(TypeError);
    },
  );
});

describe("the detail", () => {
  const detailOf = (thumbprint: unknown) =>
    rejection(() => verifyCertificateBinding({ cnf: { "x5t#S256": thumbprint } }, client.certificate)).detail;

  test("describes the value of the claim and the expected value", () => {
    expect(detailOf(hexadecimal)).toMatch(/hexadecimal \(64 digits\).*base64url/);
    expect(detailOf(digest.toString("base64"))).toMatch(/plain base64.*base64url/);
    expect(detailOf("abc-")).toMatch(/4 characters.*43/);
    expect(detailOf(emptyInputDigest)).toMatch(/SHA-256 of an empty input/);
  });

  test("mentions requestCert when the certificate is missing", () => {
    const { detail } = rejection(() => verifyCertificateBinding({}, null));
    expect(detail).toMatch(/requestCert/);
  });

  test.each([client.thumbprint, hexadecimal, "SECRET~MARKER"])(
    "never contains the claim or the thumbprint of the certificate",
    (thumbprint) => {
      const claims = { cnf: { "x5t#S256": thumbprint, MARKER: "MARKER" } };
      const error = rejection(() => verifyCertificateBinding(claims, thief.certificate));
      const texts = `${error.message} ${error.detail} ${JSON.stringify(error)} ${error.stack}`;
      for (const secret of [client.thumbprint, thief.thumbprint, hexadecimal, "MARKER"]) {
        expect(texts).not.toContain(secret);
      }
    },
  );
});

describe("arbitrary JSON", () => {
  const bindingCode = /^ERR_BINDING_/;

  fuzz.prop([fc.jsonValue({ maxDepth: 4 })], { seed: 1, numRuns: 1000 })(
    "as cnf is rejected with a binding error",
    (cnf) => {
      expect(verified(cnf)).toMatch(bindingCode);
    },
  );

  fuzz.prop([fc.jsonValue({ maxDepth: 4 })], { seed: 2, numRuns: 1000 })(
    "as x5t#S256 is rejected with a binding error",
    (thumbprint) => {
      expect(verified({ "x5t#S256": thumbprint })).toMatch(bindingCode);
    },
  );

  fuzz.prop([fc.dictionary(fc.string(), fc.jsonValue())], { seed: 3, numRuns: 1000 })(
    "as claims is rejected with a binding error",
    (claims) => {
      expect(outcome(() => verifyCertificateBinding(claims, client.certificate))).toMatch(bindingCode);
    },
  );

  fuzz.prop([fc.dictionary(fc.string(), fc.jsonValue())], { seed: 4 })(
    "next to a matching thumbprint is ignored, unless it identifies a key",
    (members) => {
      const { jkt: _jkt, jwk: _jwk, jwe: _jwe, jku: _jku, ...others } = members;
      const cnf = { ...others, "x5t#S256": client.thumbprint };
      expect(verified(cnf)).toBe("accepted");
      for (const member of ["jkt", "jwk", "jwe", "jku"]) {
        expect(verified({ ...cnf, [member]: "a" })).toBe("ERR_BINDING_UNSUPPORTED");
      }
    },
  );

  fuzz.prop([fc.uint8Array({ minLength: 32, maxLength: 32 })], { seed: 5 })(
    "is rejected as a mismatch if it is a well-formed thumbprint of 32 other bytes",
    (bytes) => {
      expect(verified({ "x5t#S256": Buffer.from(bytes).toString("base64url") })).toBe("ERR_BINDING_MISMATCH");
    },
  );

  fuzz.prop([fc.nat(42), fc.integer({ min: 0, max: 127 })], { seed: 6, numRuns: 1000 })(
    "is rejected if it differs from the thumbprint in one character",
    (index, code) => {
      const changed = replaceAt(client.thumbprint, index, String.fromCharCode(code));
      fc.pre(changed !== client.thumbprint);
      expect(verified({ "x5t#S256": changed })).toMatch(/^ERR_BINDING_(MISMATCH|MALFORMED)$/);
    },
  );
});

describe("evaluateBinding", () => {
  const bound = { cnf: { "x5t#S256": client.thumbprint } };
  const own = presentedCertificate(client.certificate);
  const stolen = presentedCertificate(thief.certificate);
  const none = presentedCertificate(null);
  const unreadable = presentedCertificate("x");

  const evaluate = (claims: object, certificate: typeof own, mode: BindingMode): string => {
    let binding = "";
    const rejected = outcome(() => {
      ({ binding } = evaluateBinding([{ ...claims }], certificate, mode));
    });
    return rejected === "accepted" ? binding : rejected;
  };

  test.each([
    ["bound, own certificate", bound, own, "verified", "verified", "verified"],
    ["bound, stolen", bound, stolen, "ERR_BINDING_MISMATCH", "ERR_BINDING_MISMATCH", "rejected"],
    ["bound, no certificate", bound, none, "ERR_CERTIFICATE_MISSING", "ERR_CERTIFICATE_MISSING", "rejected"],
    ["bound, unreadable", bound, unreadable, "ERR_CERTIFICATE_MALFORMED", "ERR_CERTIFICATE_MALFORMED", "rejected"],
    ["unbound, a certificate", {}, own, "ERR_BINDING_REQUIRED", "unbound", "rejected"],
    ["unbound, no certificate", {}, none, "ERR_CERTIFICATE_MISSING", "unbound", "rejected"],
    ["cnf null", { cnf: null }, own, "ERR_BINDING_MALFORMED", "ERR_BINDING_MALFORMED", "rejected"],
    ["cnf empty", { cnf: {} }, own, "ERR_BINDING_MALFORMED", "ERR_BINDING_MALFORMED", "rejected"],
    ["DPoP-bound", { cnf: { jkt: "a" } }, own, "ERR_BINDING_UNSUPPORTED", "ERR_BINDING_UNSUPPORTED", "rejected"],
  ])(
    "returns the expected result in each mode: %s (M-02, M-08)",
    (_name, claims, certificate, required, whenBound, reportOnly) => {
      expect(evaluate(claims, certificate, true)).toBe(required);
      expect(evaluate(claims, certificate, "when-bound")).toBe(whenBound);
      expect(evaluate(claims, certificate, "report-only")).toBe(reportOnly);
    },
  );

  test("treats a token with only an inherited cnf as unbound (P-01)", () => {
    const polluted = () => evaluate({}, own, "when-bound");
    expect(withPollutedPrototype("cnf", bound.cnf, polluted)).toBe("unbound");
    expect(evaluate(bound, own, "when-bound")).toBe("verified");
  });

  test("returns the certificate as clientCertificate only if the binding is verified", () => {
    expect(evaluateBinding([bound], own, true)).toEqual({ binding: "verified", clientCertificate: own });
    expect(evaluateBinding([{}], own, "when-bound")).toEqual({
      binding: "unbound",
      clientCertificate: undefined,
      presentedCertificate: own,
    });
    expect(evaluateBinding([{}], none, "when-bound").clientCertificate).toBeUndefined();
  });

  test("reports the error that a required binding would throw", () => {
    const { bindingError, ...rest } = evaluateBinding([bound], stolen, "report-only") as {
      bindingError: AccessTokenError;
    };
    expect(rest).toEqual({ binding: "rejected", clientCertificate: undefined, presentedCertificate: stolen });
    expect(bindingError.code).toBe("ERR_BINDING_MISMATCH");
  });
});

describe("presentedCertificate", () => {
  test("returns an error unchanged", () => {
    const error = new AccessTokenError("ERR_CERTIFICATE_UNTRUSTED");
    expect(presentedCertificate(error)).toBe(error);
  });

  test("returns the thumbprint and the certificate", () => {
    const presented = presentedCertificate(client.certificate);
    expect(presented).toMatchObject({ thumbprint: client.thumbprint });
    expect("x509" in presented && presented.x509?.raw.equals(client.der)).toBe(true);
  });
});
