import { fc, test as fuzz } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { AccessTokenError } from "../../src/errors.ts";
import { type CertificateEncoding, decoders, isAbsentMarker } from "../../src/proxy/encodings.ts";
import { THUMBPRINT_OF_EMPTY_INPUT } from "../../src/values/thumbprint.ts";
import { encoders, hexOfEmptyInput, pemOf, percentEncoded, outcomeOf } from "../support/forwarding.ts";
import { certificates } from "../vectors/proxies/fixtures.ts";

fc.configureGlobal({ seed: 9440 });

const MALFORMED = "ERR_CERTIFICATE_MALFORMED";

// Every encoding has an encoder.
const encodings = Object.keys(encoders) as readonly CertificateEncoding[];
const certificateEncodings = encodings.filter((encoding) => !encoding.startsWith("sha256"));
const hashEncodings = encodings.filter((encoding) => encoding.startsWith("sha256"));

const [ec256, rsa2048, victim, intermediate] = [
  certificates.ec256,
  certificates.rsa2048,
  certificates.victim,
  certificates.int,
].map(({ der }) => Buffer.from(der, "base64")) as [Buffer, Buffer, Buffer, Buffer];

/** Decodes a value; returns a thumbprint, "none", or the code of the rejection. Throws any other error. */
function decoded(encoding: CertificateEncoding, value: string): string {
  const result = attempt(encoding, value);
  return result === undefined ? "none" : outcomeOf(result);
}

function detailOf(encoding: CertificateEncoding, value: string): string {
  const result = attempt(encoding, value);
  if (!(result instanceof AccessTokenError)) throw new Error("there was no rejection");
  return result.detail ?? "";
}

function attempt(
  encoding: CertificateEncoding,
  value: string,
): ReturnType<(typeof decoders)["rfc9440"]> | AccessTokenError {
  try {
    return decoders[encoding](value);
  } catch (error) {
    if (error instanceof AccessTokenError) return error;
    throw error;
  }
}

describe.each(encodings)("the decoder %s", (encoding) => {
  test.each(Object.entries(certificates))("reads the certificate %s", (_, { der, thumbprint }) => {
    expect(decoded(encoding, encoders[encoding](Buffer.from(der, "base64")))).toBe(thumbprint);
  });

  test("rejects every other encoding", () => {
    // One certificate is also a list of one, and a chain of one.
    const shared: readonly (readonly CertificateEncoding[])[] = [
      ["der-base64", "der-base64-list"],
      ["pem-urlencoded", "pem-urlencoded-chain"],
    ];
    for (const other of encodings) {
      const same = other === encoding || shared.some((pair) => pair.includes(encoding) && pair.includes(other));
      expect([other, decoded(encoding, encoders[other](ec256))]).toEqual([
        other,
        same ? certificates.ec256.thumbprint : MALFORMED,
      ]);
    }
  });

  const good = encoders[encoding](rsa2048);

  test.each([
    ["an empty string", ""],
    ["a blank", " "],
    ["a word", "null"],
    ["a digit", "0"],
    ["a quoted value", `"${good}"`],
    ["a value in single quotes", `'${good}'`],
    ["a value with a comma after it", `${good},`],
    ["a value with a comma before it", `,${good}`],
    ["a value with a semicolon after it", `${good};`],
    ["a value with a parameter", `${good};a=1`],
    ["a value with a NUL after it", `${good}\0`],
    ["a value with a letter after it", `${good}A`],
    ["a value with four letters after it", `${good}AAAA`],
    ["a value with four letters before it", `AAAA${good}`],
    ["the value twice", good + good],
    ["the value twice, with a semicolon", `${good};${good}`],
    ["the value without its first character", good.slice(1)],
    ["a character beyond ASCII", `${good.slice(0, 40)}é${good.slice(41)}`],
  ])("rejects %s", (_, value) => {
    // Two PEM blocks are a chain, which one encoding accepts. All decoders reject everything else.
    const chain = encoding === "pem-urlencoded-chain" && value === good + good;
    expect(decoded(encoding, value)).toBe(chain ? certificates.rsa2048.thumbprint : MALFORMED);
  });
});

describe("a list of two values", () => {
  test.each(encodings.filter((encoding) => encoding !== "der-base64-list"))(
    "is rejected by an encoding without lists: %s",
    (encoding) => {
      const [first, second] = [encoders[encoding](victim), encoders[encoding](ec256)];
      for (const separator of [", ", ",", " ,", ";", " ", "\t", "%2C", "%2C%20"]) {
        // Blocks of PEM with white space in between are a chain, which one encoding accepts.
        const chain = encoding === "pem-urlencoded-chain" && /^\s+$/.test(separator);
        const outcome = decoded(encoding, first + separator + second);
        expect([separator, outcome]).toEqual([separator, chain ? certificates.victim.thumbprint : MALFORMED]);
      }
    },
  );
});

describe("the decoder rfc9440", () => {
  const base64 = certificates.rsa2048.der;

  test.each([
    ["without colons", base64],
    ["without the first colon", `${base64}:`],
    ["with another character for the first colon", `;${base64}:`],
    ["with another character for the last colon", `:${base64};`],
    ["without the last colon", `:${base64}`],
    ["with colons twice", `::${base64}::`],
    ["that is one colon", ":"],
    ["with a blank inside", `: ${base64}:`],
    ["with blanks around it", ` :${base64}: `],
    ["with line breaks", `:${base64.slice(0, 64)}\n${base64.slice(64)}:`],
    ["without padding", `:${base64.replace("=", "")}:`],
    ["with non-zero trailing bits", `:${base64.replace("Q=", "R=")}:`],
    ["in base64url", `:${rsa2048.toString("base64url")}:`],
    ["as a list of two", `:${base64}:, :${base64}:`],
    ["as an inner list", `(:${base64}:)`],
    ["with a parameter", `:${base64}:;q=1`],
    ["of base64 of PEM", `:${Buffer.from(pemOf(rsa2048)).toString("base64")}:`],
    ["as an RFC 9651 display string", `%"${base64}"`],
  ])("rejects a byte sequence %s", (_, value) => {
    expect(decoded("rfc9440", `:${base64}:`)).toBe(certificates.rsa2048.thumbprint);
    expect(decoded("rfc9440", value)).toBe(MALFORMED);
  });
});

describe("the decoder der-base64", () => {
  const base64 = certificates.rsa2048.der;

  test.each([
    ["without padding", base64.replace("=", "")],
    ["with non-zero trailing bits", base64.replace("Q=", "R=")],
    ["in base64url", rsa2048.toString("base64url")],
    ["with blanks for plus signs", base64.replaceAll("+", " ")],
    ["that is percent-encoded", encodeURIComponent(base64)],
    ["that is truncated", base64.slice(0, -4)],
    ["with bytes after the certificate", Buffer.concat([rsa2048, Buffer.of(0, 0, 0)]).toString("base64")],
    ["with a second certificate after the certificate", Buffer.concat([rsa2048, ec256]).toString("base64")],
    ["of a certificate with another tag", Buffer.concat([Buffer.of(0x31), rsa2048.subarray(1)]).toString("base64")],
    ["of PEM", Buffer.from(pemOf(rsa2048)).toString("base64")],
  ])("rejects base64 %s", (_, value) => {
    expect(decoded("der-base64", base64)).toBe(certificates.rsa2048.thumbprint);
    expect(decoded("der-base64", value)).toBe(MALFORMED);
  });
});

describe("the decoder der-base64-list", () => {
  const [leaf, issuer] = [certificates.chain.der, certificates.int.der];

  test("returns the first certificate, which is the leaf", () => {
    expect(decoded("der-base64-list", `${leaf},${issuer}`)).toBe(certificates.chain.thumbprint);
    expect(decoded("der-base64-list", `${issuer},${leaf}`)).toBe(certificates.int.thumbprint);
  });

  test.each([
    ["that ends with a comma", `${leaf},`],
    ["that begins with a comma", `,${leaf}`],
    ["with an empty item", `${leaf},,${issuer}`],
    ["that consists of commas", ",,,"],
    ["with a blank, as Node joins headers", `${leaf}, ${issuer}`],
    ["with garbage after the leaf", `${leaf},SPOOFED`],
    ["with base64 of other data after the leaf", `${leaf},AAAA`],
    ["with a truncated issuer", `${leaf},${issuer.slice(0, -4)}`],
    ["with another separator", `${leaf};${issuer}`],
  ])("rejects a list %s", (_, value) => {
    expect(decoded("der-base64-list", value)).toBe(MALFORMED);
  });
});

describe.each(["pem-urlencoded", "pem-urlencoded-chain"] as const)("the decoder %s", (encoding) => {
  const pem = pemOf(rsa2048);

  test.each([
    ["as nginx writes it", percentEncoded(pem)],
    ["as encodeURIComponent writes it", encodeURIComponent(pem)],
    ["with lower-case digits", percentEncoded(pem).replaceAll(/%../g, (escape) => escape.toLowerCase())],
    ["with unescaped +, / and =, as load balancers write it", pem.replaceAll(" ", "%20").replaceAll("\n", "%0A")],
    ["after a line break", `%0A${percentEncoded(pem)}`],
    ["with %3D but unescaped + and /", pem.replaceAll(" ", "%20").replaceAll("\n", "%0A").replaceAll("=", "%3D")],
    ["without a final line break", percentEncoded(pem.trimEnd())],
    ["with CRLF", percentEncoded(pem.replaceAll("\n", "\r\n"))],
    [
      "in one long line",
      percentEncoded(`-----BEGIN CERTIFICATE-----\n${certificates.rsa2048.der}\n-----END CERTIFICATE-----`),
    ],
  ])("reads PEM %s", (_, value) => {
    expect(decoded(encoding, value)).toBe(certificates.rsa2048.thumbprint);
  });

  test.each([
    ["with + for blanks, as forms write it", percentEncoded(pem).replaceAll("%20", "+")],
    ["that is encoded twice", encodeURIComponent(percentEncoded(pem))],
    ["with spaces for line feeds", percentEncoded(pem.replaceAll("\n", " "))],
    ["with tabs for line feeds", percentEncoded(pem.replaceAll("\n", "\t"))],
    ["without line feeds", percentEncoded(pem.replaceAll("\n", ""))],
    ["with base64url inside", percentEncoded(pem.replaceAll("+", "-").replaceAll("/", "_"))],
    ["that is not encoded", pem],
    ["with an invalid escape", percentEncoded(pem).replace("%0A", "%0G")],
    ["with an escape that is not UTF-8", `${percentEncoded(pem)}%FF`],
    ["that ends within an escape", percentEncoded(pem).slice(0, -1)],
    ["without an END line", percentEncoded(pem).slice(0, 500)],
    ["with text before it", `Subject%3A%20a%0A${percentEncoded(pem)}`],
    ["with text after it", `${percentEncoded(pem)}Subject%3A%20a`],
    ["labelled TRUSTED CERTIFICATE", percentEncoded(pem.replaceAll("CERTIFICATE", "TRUSTED CERTIFICATE"))],
    ["labelled X509 CERTIFICATE", percentEncoded(pem.replaceAll("CERTIFICATE", "X509 CERTIFICATE"))],
    ["in lower case", percentEncoded(pem.toLowerCase())],
    ["with an empty body", "-----BEGIN%20CERTIFICATE-----%0A-----END%20CERTIFICATE-----%0A"],
    ["with a NUL inside", percentEncoded(pem.replace("\n", "\n\0"))],
    ["before a truncated certificate", percentEncoded(pem + pemOf(ec256)).slice(0, -60)],
    ["before a comma and another certificate", percentEncoded(`${pem},${pemOf(ec256)}`)],
  ])("rejects PEM %s", (_, value) => {
    expect(decoded(encoding, value)).toBe(MALFORMED);
  });

  test("reads a chain, the leaf first, only if the encoding is that of chains", () => {
    const chain = percentEncoded(pemOf(Buffer.from(certificates.chain.der, "base64")) + pemOf(intermediate));
    const outcome = encoding === "pem-urlencoded-chain" ? certificates.chain.thumbprint : MALFORMED;
    expect(decoded(encoding, chain)).toBe(outcome);
  });
});

describe("the decoder pem-spaces", () => {
  const value = encoders["pem-spaces"](rsa2048);

  test.each([
    ["with a final space", `${value} `],
    ["without a final space", value],
    ["without separators", value.replaceAll(/(?<!BEGIN|END) /g, "")],
    ["with two spaces for each line break", value.replaceAll(/(?<!BEGIN|END) /g, "  ")],
    ["in one long line", `-----BEGIN CERTIFICATE----- ${certificates.rsa2048.der} -----END CERTIFICATE-----`],
  ])("reads PEM %s", (_, text) => {
    expect(decoded("pem-spaces", text)).toBe(certificates.rsa2048.thumbprint);
  });

  test.each([
    ["with line feeds", pemOf(rsa2048)],
    ["with tabs", value.replaceAll(/(?<=\w) (?=\w)/g, "\t")],
    ["with escaped line feeds", pemOf(rsa2048).replaceAll("\n", "\\n")],
    ["with a line feed among its spaces", value.replace(/(?<=\w) (?=\w{64})/, "\n")],
    ["of two certificates", `${value} ${encoders["pem-spaces"](ec256)}`],
    ["without the spaces in its labels", value.replaceAll(" CERTIFICATE", "CERTIFICATE")],
    ["without an END line", value.slice(0, 300)],
    ["between quotes", `"${value}"`],
  ])("rejects PEM %s", (_, text) => {
    expect(decoded("pem-spaces", text)).toBe(MALFORMED);
  });
});

describe("the decoder pem-base64", () => {
  const wrap = (text: string): string => Buffer.from(text, "latin1").toString("base64");

  test("reads PEM with and without a final line break", () => {
    expect(decoded("pem-base64", wrap(pemOf(rsa2048)))).toBe(certificates.rsa2048.thumbprint);
    expect(decoded("pem-base64", wrap(pemOf(rsa2048).trimEnd()))).toBe(certificates.rsa2048.thumbprint);
  });

  test.each([
    ["that is truncated at 4 KiB", wrap(pemOf(Buffer.concat([rsa2048, Buffer.alloc(4096)]))).slice(0, 4096)],
    ["that is truncated within a group", wrap(pemOf(rsa2048)).slice(0, -3)],
    ["of two certificates", wrap(pemOf(rsa2048) + pemOf(ec256))],
    ["with other text after the PEM", wrap(`${pemOf(rsa2048)}x`)],
    ["with bytes beyond ASCII", wrap(`${pemOf(rsa2048)}\u00ff`)],
    ["of percent-encoded PEM", wrap(percentEncoded(pemOf(rsa2048)))],
    ["in base64url", Buffer.from(`${pemOf(rsa2048)}\n\n`, "latin1").toString("base64url")],
  ])("rejects a value %s", (_, value) => {
    expect(decoded("pem-base64", value)).toBe(MALFORMED);
  });
});

describe("the decoder sha256-hex", () => {
  const hex = encoders["sha256-hex"](ec256);
  const colons = hex.match(/../g)?.join(":") ?? "";

  test.each([hex, hex.toUpperCase(), colons, colons.toUpperCase(), hex.replace("8f", "8F")])("reads %s", (value) => {
    expect(decoded("sha256-hex", value)).toBe(certificates.ec256.thumbprint);
  });

  test.each([
    ["with a missing digit", hex.slice(1)],
    ["with an additional digit", `${hex}0`],
    ["with a letter that is not a digit", `g${hex.slice(1)}`],
    ["with 0x", `0x${hex}`],
    ["with a missing colon", colons.replace(":", "")],
    ["with an additional colon", colons.replace(":", "::")],
    ["with a colon at the start", `:${colons}`],
    ["with a colon at the end", `${colons}:`],
    ["between colons", `:${hex}:`],
    ["with colons between single digits", hex.split("").join(":")],
    ["with hyphens", colons.replaceAll(":", "-")],
    ["with blanks", colons.replaceAll(":", " ")],
    ["with a line feed at the end", `${hex}\n`],
    ["with a prefix", `sha256:${hex}`],
    ["of SHA-384", `${hex}${hex.slice(0, 32)}`],
    ["of full-width digits", hex.replaceAll("0", "\uff10")],
  ])("rejects a fingerprint %s", (_, value) => {
    expect(decoded("sha256-hex", value)).toBe(MALFORMED);
  });
});

describe("the decoders sha256-base64 and sha256-base64url", () => {
  const [base64, base64url] = [encoders["sha256-base64"](ec256), encoders["sha256-base64url"](ec256)];

  test("read base64 with and without padding, and base64url without padding", () => {
    expect(decoded("sha256-base64", base64)).toBe(certificates.ec256.thumbprint);
    expect(decoded("sha256-base64", base64.replace("=", ""))).toBe(certificates.ec256.thumbprint);
    expect(decoded("sha256-base64url", base64url)).toBe(certificates.ec256.thumbprint);
    expect(decoded("sha256-base64url", `${base64url}=`)).toBe(MALFORMED);
  });

  test.each([
    ["with non-zero trailing bits", base64.replace(/.=$/, "B=")],
    ["with additional padding", `${base64}=`],
    ["between colons", `:${base64}:`],
    ["of 31 bytes", Buffer.alloc(31, 1).toString("base64")],
    ["of 33 bytes", Buffer.alloc(33, 1).toString("base64")],
    ["with a blank for a plus sign", base64.replace("+", " ")],
    ["with a blank at the end", `${base64} `],
  ])("reject a fingerprint %s", (_, value) => {
    expect(decoded("sha256-base64", value)).toBe(MALFORMED);
    expect(decoded("sha256-base64url", value.replaceAll("+", "-").replaceAll("/", "_"))).toBe(MALFORMED);
  });

  test("reject the alphabet of the other encoding", () => {
    expect(decoded("sha256-base64", base64url)).toBe(MALFORMED);
    expect(decoded("sha256-base64url", base64.replace("=", ""))).toBe(MALFORMED);
  });
});

describe("the SHA-256 of an empty input", () => {
  test.each<[CertificateEncoding, string]>([
    ["sha256-hex", hexOfEmptyInput],
    ["sha256-hex", hexOfEmptyInput.toUpperCase()],
    ["sha256-hex", hexOfEmptyInput.match(/../g)?.join(":") ?? ""],
    ["sha256-base64", Buffer.from(hexOfEmptyInput, "hex").toString("base64")],
    ["sha256-base64", Buffer.from(hexOfEmptyInput, "hex").toString("base64").replace("=", "")],
    ["sha256-base64url", THUMBPRINT_OF_EMPTY_INPUT],
  ])("is decoded to undefined: %s, %s", (encoding, value) => {
    expect(decoded(encoding, value)).toBe("none");
  });

  test("is compared exactly: a value that differs in one bit is a certificate", () => {
    expect(encoders["sha256-hex"](Buffer.alloc(0))).toBe(hexOfEmptyInput);
    expect(decoded("sha256-hex", hexOfEmptyInput.replace(/5$/, "4"))).not.toBe("none");
  });
});

describe("isAbsentMarker", () => {
  test.each([
    "",
    "::",
    "(null)",
    "{http.request.tls.client.fingerprint}",
    ":{http.request.tls.client.certificate_der_base64}:",
    "{tls_client_certificate_der_base64}",
    "{client_cert_leaf}",
    "{env.SOME-THING:default}",
  ])("returns true for %j", (value) => {
    expect(isAbsentMarker(value)).toBe(true);
  });

  test.each([":", ":::", "(null),", "(NULL)", "null", "-", "0", "{", "{a}b", "a{b}", "{a},{b}", "{{a}}", " "])(
    "returns false for %j",
    (value) => {
      expect(isAbsentMarker(value)).toBe(false);
    },
  );

  test.each([
    ["a certificate in base64", certificates.ec256.der],
    ["a certificate as a byte sequence", `:${certificates.ec256.der}:`],
    ["the SHA-256 of an empty input", hexOfEmptyInput],
  ])("returns false for %s", (_, value) => {
    expect(isAbsentMarker(value)).toBe(false);
  });
});

describe("the decoded certificate", () => {
  test.each(certificateEncodings)("contains the certificate for %s", (encoding) => {
    expect(decoders[encoding](encoders[encoding](ec256))?.x509?.raw).toEqual(ec256);
  });

  test.each(hashEncodings)("contains only the thumbprint for %s", (encoding) => {
    expect(decoders[encoding](encoders[encoding](ec256))).toMatchObject({ x509: undefined });
  });
});

describe("the detail of a rejection", () => {
  const sha1 = "609e5ec41ef6d46913e8e4a420427fdb351fa460";
  const sha1Colons = sha1.toUpperCase().match(/../g)?.join(":") ?? "";

  test.each(encodings)("names a SHA-1 fingerprint: %s", (encoding) => {
    for (const value of [sha1, sha1.toUpperCase(), sha1Colons]) {
      expect(decoded(encoding, value)).toBe(MALFORMED);
      expect(detailOf(encoding, value)).toMatch(/SHA-1 fingerprint, but SHA-256 is required/);
    }
  });

  const recognisedFormats: readonly (readonly [string, string, RegExp])[] = [
    ["pem-spaces", encoders["pem-spaces"](ec256), /looks like PEM/],
    ["pem-urlencoded", encoders["pem-urlencoded"](ec256), /escaped PEM/],
    ["rfc9440", encoders.rfc9440(ec256), /RFC 9440/],
    ["der-base64", certificates.ec256.der, /base64 DER/],
    ["der-base64-list", `${certificates.ec256.der},${certificates.int.der}`, /a list/],
    ["percent-encoded base64", encodeURIComponent(certificates.rsa2048.der), /percent-encoded|base64 DER/],
    ["sha256-hex", encoders["sha256-hex"](ec256), /hexadecimal SHA-256/],
    ["sha256-base64", encoders["sha256-base64"](ec256), /SHA-256 fingerprint in base64/],
    ["sha256-base64url", encoders["sha256-base64url"](ec256), /bare thumbprint/],
    ["XFCC", `By=spiffe://a;Hash=${encoders["sha256-hex"](ec256)};URI=spiffe://b`, /x-forwarded-client-cert/],
    ["a placeholder", "(none)", /placeholder/],
  ];

  test.each(encodings)("names the format that the value looks like: %s", (encoding) => {
    // In a list, the detail describes the invalid item, and the encoding of lists accepts a list.
    const list = encoding === "der-base64-list" ? "," : "no list";
    const others = recognisedFormats.filter(
      ([, value]) => decoded(encoding, value) === MALFORMED && !value.includes(list),
    );
    expect(others.length).toBeGreaterThan(recognisedFormats.length - 4);
    for (const [name, value, hint] of others) {
      expect([name, detailOf(encoding, value)]).toEqual([name, expect.stringMatching(hint)]);
    }
  });

  test.each<[CertificateEncoding, string, RegExp]>([
    ["pem-urlencoded", `${encoders["pem-urlencoded"](ec256)}%2`, /nginx/],
    ["pem-urlencoded", encoders["pem-urlencoded"](ec256).replace("%0A", ""), /nginx/],
    ["pem-urlencoded", encodeURIComponent(encoders["pem-urlencoded"](ec256)), /nginx/],
    ["pem-urlencoded", encoders["pem-urlencoded"](ec256).replaceAll("%20", "+"), /nginx/],
    ["rfc9440", `:${certificates.ec256.der.slice(0, 400)} :`, /RFC 9440/],
    ["sha256-hex", `${encoders["sha256-hex"](ec256)}0`, /SHA-256 fingerprint/],
  ])("does not name another format for an invalid value of the configured format: %s", (encoding, value, hint) => {
    expect(decoded(encoding, value)).toBe(MALFORMED);
    expect(detailOf(encoding, value)).not.toMatch(hint);
  });

  test.each<[string, string, RegExp]>([
    ["that is encoded twice", encodeURIComponent(encoders["pem-urlencoded"](ec256)), /percent-encoded twice/],
    ["with + for spaces", encoders["pem-urlencoded"](ec256).replaceAll("%20", "+"), /spaces are written as \+/],
    ["in quotes", `"${encoders["pem-urlencoded"](ec256)}"`, /in quotes/],
    ["in encoded quotes", `%22${encoders["pem-urlencoded"](ec256)}%22`, /not percent-encoded PEM/],
    ["that is a hyphen", "-", /hyphen/],
    ["that is a variable", "$ssl_client_escaped_cert", /not replaced/],
  ])("explains the error in a value %s", (_name, value, sentence) => {
    expect(detailOf("pem-urlencoded", value)).toMatch(sentence);
  });

  test.each<[CertificateEncoding, string]>([
    ["rfc9440", `:${certificates.ec256.der.slice(0, 400)}:`],
    ["rfc9440", `:${certificates.ec256.der.slice(0, 401)}:`],
    ["der-base64", certificates.ec256.der.slice(0, 400)],
    ["der-base64", certificates.ec256.der.slice(0, 401)],
    ["der-base64", certificates.rsa2048.der.slice(0, -1)],
    ["der-base64-list", `${certificates.ec256.der},${certificates.int.der.slice(0, 400)}`],
    ["pem-urlencoded", encoders["pem-urlencoded"](ec256).slice(0, 400)],
    ["pem-urlencoded", `${encoders["pem-urlencoded"](ec256).slice(0, 400)}%`],
    ["pem-urlencoded", `${encoders["pem-urlencoded"](ec256).slice(0, 400)}%0`],
    ["pem-urlencoded-chain", encoders["pem-urlencoded-chain"](ec256).slice(0, 400)],
    ["pem-spaces", encoders["pem-spaces"](ec256).slice(0, 400)],
    ["pem-base64", encoders["pem-base64"](ec256).slice(0, 400)],
  ])("reports a truncated value: %s", (encoding, value) => {
    expect(detailOf(encoding, value)).toMatch(/truncated/);
  });

  test.each<[CertificateEncoding, string, RegExp]>([
    ["pem-urlencoded", percentEncoded(pemOf(ec256) + pemOf(rsa2048)), /2 certificates instead of one/],
    ["pem-spaces", pemOf(ec256), /line breaks .* not spaces/],
    ["pem-urlencoded", percentEncoded(pemOf(ec256).replaceAll("\n", " ")), /line breaks .* not line feeds/],
    ["der-base64", Buffer.concat([ec256, Buffer.of(1, 2, 3)]).toString("base64"), /followed by 3 additional bytes/],
  ])("explains the error in a value of the configured format: %s", (encoding, value, sentence) => {
    expect(detailOf(encoding, value)).toMatch(sentence);
  });
});

/** Random header values, with and without the characters that have a meaning for the decoders. */
const anyText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 200 }),
  fc
    .array(
      fc.constantFrom(":", ",", ";", "%", "%0A", "%20", "=", "+", "/", "-----", "M", "MII", "a0", "{", "}", " ", '"'),
      {
        maxLength: 80,
      },
    )
    .map((parts) => parts.join("")),
  fc.base64String({ maxLength: 200 }),
  fc.tuple(fc.nat(900), fc.string({ unit: "binary", maxLength: 8 })).map(([at, text]) => {
    const value = encoders["pem-urlencoded"](ec256);
    return value.slice(0, at) + text + value.slice(at);
  }),
);

/** The results without a certificate. */
const withoutCertificate = [MALFORMED, "none"];

describe.each(encodings)("any value with the encoding %s", (encoding) => {
  const good = encoders[encoding](ec256);
  const { thumbprint } = certificates.ec256;
  const isList = encoding === "der-base64-list" || encoding === "pem-urlencoded-chain";

  /** Returns whether the added text is empty, or white space around PEM. */
  function isWhite(value: string, added: string): boolean {
    if (added === "") return true;
    if (encoding === "pem-base64") {
      const bytes = Buffer.from(value, "base64");
      return bytes.toString("base64") === value && bytes.toString("latin1").trim() === pemOf(ec256).trim();
    }
    return encoding.startsWith("pem") && /^(?:%20|%0A|%0D|%09|\s)*$/i.test(added);
  }

  fuzz.prop([anyText])("is decoded, or rejected as malformed without being quoted", (text) => {
    const result = attempt(encoding, text);
    if (!(result instanceof AccessTokenError)) return;
    expect(result.code).toBe(MALFORMED);
    if (text.trim().length > 8) expect(`${result.message} ${result.detail}`).not.toContain(text.trim());
  });

  fuzz.prop([anyText])("is not accepted if text other than white space is added to a certificate", (text) => {
    for (const value of [good + text, text + good]) {
      const allowed = isList || isWhite(value, text) ? [...withoutCertificate, thumbprint] : withoutCertificate;
      expect(allowed).toContain(decoded(encoding, value));
    }
  });

  fuzz.prop([anyText, fc.nat(2000)])(
    "is never decoded to another certificate if text is inserted",
    (text, position) => {
      const at = position % good.length;
      expect([...withoutCertificate, thumbprint]).toContain(
        decoded(encoding, good.slice(0, at) + text + good.slice(at)),
      );
    },
  );

  fuzz.prop([fc.nat(2000), fc.nat(2000)])("is never decoded to another certificate if text is removed", (from, to) => {
    const [start, end] = [from % good.length, to % good.length].toSorted((one, other) => one - other);
    const outcome = decoded(encoding, good.slice(0, start) + good.slice(end));
    expect([...withoutCertificate, thumbprint]).toContain(outcome);
    // Only line breaks can be removed from a certificate, and only the padding from a hash.
    if (hashEncodings.includes(encoding) && start !== end) {
      const pad = encoding === "sha256-base64" && good.slice(0, start) + good.slice(end) === good.slice(0, -1);
      expect(outcome).toBe(pad ? thumbprint : MALFORMED);
    }
  });

  fuzz.prop([fc.constantFrom(...Object.values(certificates)), fc.constantFrom("", ",", ", ", ";", " ", "%0A", "%2C")])(
    "is never decoded to the second of two certificates",
    ({ der }, separator) => {
      const other = encoders[encoding](Buffer.from(der, "base64"));
      const outcome = decoded(encoding, good + separator + other);
      expect(isList ? [MALFORMED, thumbprint] : [MALFORMED]).toContain(outcome);
    },
  );

  // Quadratic time would take minutes.
  test("of 64 KiB is decoded or rejected in linear time", { timeout: 2_000 }, () => {
    const size = 65_536;
    const begin = "-----BEGIN CERTIFICATE-----";
    const parts = [
      ...'%,:;"\\ =+A0M{}(-'.split(""),
      "%25",
      "%0A",
      "%2",
      ", ",
      ";by=",
      "Hash=",
      "a0:",
      "\r",
      "-----END CERTIFICATE-----",
      begin,
      `${begin}\n`,
      `${begin}%0A`,
      `${begin} `,
      `${percentEncoded(begin)}%0A`,
      `${percentEncoded(begin)}%0A${percentEncoded("-----END CERTIFICATE-----")}`,
      `${percentEncoded(begin)}%0AMIIB%0A${percentEncoded("-----END CERTIFICATE-----")}`,
      "MIIBAAAA,",
      `:${certificates.ec256.der}:`,
    ];
    for (const part of parts) {
      const text = part.repeat(Math.ceil(size / part.length)).slice(0, size);
      for (const value of [text, `${good}${text}`, `-----${text}`, `:${text}:`, Buffer.from(text).toString("base64")]) {
        expect([...withoutCertificate, thumbprint]).toContain(decoded(encoding, value));
      }
    }
  });
});
