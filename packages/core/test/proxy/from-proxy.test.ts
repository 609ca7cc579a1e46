import { createSecureServer } from "node:http2";
import { createServer } from "node:https";
import { createCertificateAuthority, mtlsRequest, startServer } from "@certbound/testing";
import { fc, test as fuzz } from "@fast-check/vitest";
import { describe, expect, onTestFinished, test } from "vitest";
import { AccessTokenError } from "../../src/errors.ts";
import type { IncomingRequest } from "../../src/http/incoming-request.ts";
import { decoders } from "../../src/proxy/encodings.ts";
import { caddy } from "../../src/proxy/formats/caddy.ts";
import { haproxy } from "../../src/proxy/formats/haproxy.ts";
import { ingressNginx, nginx } from "../../src/proxy/formats/nginx.ts";
import { kong } from "../../src/proxy/formats/kong.ts";
import { rfc9440 } from "../../src/proxy/formats/rfc9440.ts";
import type { ForwardedCertificateFormat } from "../../src/proxy/forwarded-format.ts";
import { fromProxy, type FromProxyOptions } from "../../src/proxy/from-proxy.ts";
import { certificateShaped } from "../support/der.ts";
import { type FormatName, formats } from "../support/formats.ts";
import {
  encoders,
  hexOfEmptyInput,
  proxyAddress,
  requestWith,
  resolved,
  trust,
  verdict,
  outcomeOf,
} from "../support/forwarding.ts";
import { certificates } from "../vectors/proxies/fixtures.ts";

fc.configureGlobal({ seed: 9440 });

const MISSING = "ERR_CERTIFICATE_MISSING";
const MALFORMED = "ERR_CERTIFICATE_MALFORMED";
const UNTRUSTED = "ERR_CERTIFICATE_UNTRUSTED";

const elsewhere = "192.0.2.2";
const { der, thumbprint } = certificates.ec256;
const value = encoders.rfc9440(Buffer.from(der, "base64"));
const forged = encoders.rfc9440(Buffer.from(certificates.victim.der, "base64"));
const escaped = encoders["pem-urlencoded"](Buffer.from(der, "base64"));

/** Returns the detail of a rejection; throws if there is none. */
function detailOf(result: ReturnType<typeof resolved>): string {
  if (!(result instanceof AccessTokenError)) throw new Error("there was no rejection");
  return result.detail ?? "";
}

describe("the header of the format", () => {
  test.each([
    ["in lower case", ["client-cert", value]],
    ["in title case", ["Client-Cert", value]],
    ["in upper case", ["CLIENT-CERT", value]],
    ["in mixed case", ["cLiEnT-cErT", value]],
    ["between other headers", ["Host", "a", "Client-Cert", value, "Accept", "*/*"]],
    ["next to Client-Cert-Chain", ["Client-Cert", value, "Client-Cert-Chain", forged]],
    ["next to a name with an underscore", ["Client_Cert", forged, "Client-Cert", value]],
    ["next to a name with a blank", ["Client-Cert ", forged, "Client-Cert", value]],
    ["next to longer names", ["Client-Cert-2", forged, "X-Client-Cert", forged, "Client-Cert", value]],
    ["after a value that looks like the name", ["X", "Client-Cert", "Client-Cert", value]],
  ])("is read %s", (_, rawHeaders) => {
    expect(verdict(rfc9440(), rawHeaders)).toBe(thumbprint);
  });

  test.each([
    ["with an underscore", ["client_cert", forged]],
    ["with underscores in upper case", ["CLIENT_CERT", forged]],
    ["with a blank at its end", ["Client-Cert ", forged]],
    ["with a dot", ["client.cert", forged]],
    ["with a suffix", ["Client-Cert-Chain", forged]],
    ["with a prefix", ["X-Client-Cert", forged]],
    ["with letters that only look alike in lower case", ["\u212aLIENT-CERT", forged, "cl\u0131ent-cert", forged]],
    ["of another format", ["ssl-client-cert", escaped, "x-ssl-client-der", der]],
  ])("is not read under a name %s", (_, rawHeaders) => {
    expect(verdict(rfc9440(), rawHeaders)).toBe(MISSING);
  });

  test.each([
    ["twice", ["Client-Cert", value, "Client-Cert", value]],
    ["twice, in another letter case", ["Client-Cert", value, "CLIENT-CERT", value]],
    ["twice, not in succession", ["Client-Cert", value, "Host", "a", "client-cert", value]],
    ["three times", ["Client-Cert", value, "Client-Cert", value, "Client-Cert", value]],
    ["after one of the client", ["Client-Cert", forged, "Client-Cert", value]],
    ["before one of the client", ["Client-Cert", value, "Client-Cert", forged]],
    ["after an empty one", ["Client-Cert", "", "Client-Cert", value]],
    ["before an empty one", ["Client-Cert", value, "Client-Cert", ""]],
    ["after a placeholder", ["Client-Cert", "(null)", "Client-Cert", value]],
    ["twice, both empty", ["Client-Cert", "", "Client-Cert", ""]],
  ])("is rejected if it occurs %s", (_, rawHeaders) => {
    expect(verdict(rfc9440(), rawHeaders)).toBe(MALFORMED);
  });

  test("is read from rawHeaders, not from headers or headersDistinct", () => {
    const { socket } = requestWith([]);
    const request = { headers: { "client-cert": value }, headersDistinct: { "client-cert": [value] }, socket };
    const resolve = fromProxy(rfc9440(), { trust });
    const received = { ...request, socket: { ...socket, server: {} } };
    expect(outcomeOf(resolve({ ...received, rawHeaders: [] }))).toBe(MISSING);
    expect(outcomeOf(resolve({ ...received, rawHeaders: ["Client-Cert", value] }))).toBe(thumbprint);
    expect(outcomeOf(resolve({ ...request, rawHeaders: ["Client-Cert", `${value}x`] }))).toBe(MALFORMED);
  });

  test.each([{ rawHeaders: [] }, {}])("is read from headers if the request is not from a server of Node: %j", (raw) => {
    const { socket } = requestWith([]);
    const read = (headers: object) =>
      outcomeOf(fromProxy(rfc9440(), { trust })({ ...raw, headers, socket } as IncomingRequest));
    expect(read({ "Client-Cert": value })).toBe(thumbprint);
    expect(read({ "client-cert": [value] })).toBe(thumbprint);
    expect(read({ "client-cert": [value, value] })).toBe(MALFORMED);
    expect(read({ "client-cert": value, "Client-Cert": value })).toBe(MALFORMED);
    expect(read({ "client-cert": `${forged}, ${value}` })).toBe(MALFORMED);
    expect(read({ "client-cert": `${forged},${value}` })).toBe(MALFORMED);
    expect(read({ client_cert: value })).toBe(MISSING);
    expect(read(Object.create({ "client-cert": value }) as object)).toBe(MISSING);
  });

  test("is not read from trailers", () => {
    const request = { ...requestWith([]), rawTrailers: ["Client-Cert", value], trailers: { "client-cert": value } };
    expect(outcomeOf(fromProxy(rfc9440(), { trust })(request))).toBe(MISSING);
  });

  test("is read from the Node request of a framework's request", () => {
    const resolve = fromProxy(rfc9440(), { trust });
    expect(outcomeOf(resolve({ raw: requestWith(["Client-Cert", value]) }))).toBe(thumbprint);
    expect(outcomeOf(resolve({ raw: requestWith(["Client-Cert", value], elsewhere) }))).toBe(UNTRUSTED);
  });

  test("can have one character if the format decodes it", () => {
    const format = { header: "x-own", decode: (text: string) => (text === "1" ? rfc9440().decode(value) : undefined) };
    const resolve = fromProxy(format, { trust });
    expect([1, 2].map(() => outcomeOf(resolve(requestWith(["x-own", "1"]))))).toEqual([thumbprint, thumbprint]);
    expect(outcomeOf(resolve(requestWith(["x-own", "2"])))).toBe(MISSING);
  });

  test("has a configured name that is compared without regard to case", () => {
    const format = { header: "X-Own-CERT", decode: rfc9440().decode };
    expect(verdict(format, ["x-own-cert", value])).toBe(thumbprint);
    expect(verdict(format, ["X-OWN-CERT", value, "x-own-cert", value])).toBe(MALFORMED);
  });
});

describe("the sender of the header", () => {
  const resolve = fromProxy(nginx(), { trust });
  const headers = ["ssl-client-cert", escaped, "ssl-client-verify", "SUCCESS"];

  test.each<[string, readonly string[], string, string]>([
    ["the proxy", headers, proxyAddress, thumbprint],
    ["another sender", headers, elsewhere, UNTRUSTED],
    ["another sender, an empty header", ["ssl-client-cert", ""], elsewhere, UNTRUSTED],
    ["another sender, two headers", [...headers, ...headers], elsewhere, UNTRUSTED],
    ["another sender, a malformed header", ["ssl-client-cert", "a"], elsewhere, UNTRUSTED],
    ["another sender, a header that is too large", ["ssl-client-cert", "a".repeat(70_000)], elsewhere, UNTRUSTED],
    ["the proxy, no header", ["ssl-client-verify", "NONE"], proxyAddress, MISSING],
    ["another sender, no header", [], elsewhere, MISSING],
    ["another sender, only a verify header", ["ssl-client-verify", "SUCCESS"], elsewhere, MISSING],
  ])("determines the result: %s", (_, rawHeaders, address, outcome) => {
    expect(outcomeOf(resolve(requestWith(rawHeaders, address)))).toBe(outcome);
  });

  test("is checked before the value is decoded", () => {
    const decode = () => {
      throw new Error("the value was decoded");
    };
    const resolver = fromProxy({ header: "client-cert", decode }, { trust });
    expect(outcomeOf(resolver(requestWith(["client-cert", value], elsewhere)))).toBe(UNTRUSTED);
    expect(() => resolver(requestWith(["client-cert", value]))).toThrow("the value was decoded");
  });
});

describe("a marker of a missing certificate", () => {
  test.each<[string, string]>([
    ["empty", ""],
    ["an empty byte sequence", "::"],
    ["Apache's marker", "(null)"],
    ["Caddy's placeholder", "{http.request.tls.client.certificate_der_base64}"],
    ["Caddy's placeholder between colons", ":{http.request.tls.client.certificate_der_base64}:"],
  ])("is not decoded: %s", (_, none) => {
    const decode = () => {
      throw new Error("the value was decoded");
    };
    expect(verdict({ header: "client-cert", decode }, ["client-cert", none])).toBe(MISSING);
  });

  test.each<[FormatName, string, readonly string[]]>([
    ["caddy sha256-hex", hexOfEmptyInput, []],
    ["cloudflare sha256-hex", hexOfEmptyInput, []],
    ["haproxy sha256-hex", hexOfEmptyInput.toUpperCase(), ["x-ssl-client-verify", "0"]],
    ["haproxy sha256-base64url", "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU", ["x-ssl-client-verify", "0"]],
    ["gcp sha256-base64", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", ["x-client-cert-chain-verified", "true"]],
    ["cloudFront", hexOfEmptyInput, ["cloudfront-viewer-cert-present", "1"]],
    ["envoy", `Hash=${hexOfEmptyInput};Subject="";URI=`, []],
  ])("can be the SHA-256 of an empty input: %s", (name, none, others) => {
    expect(verdict(formats[name], [formats[name].header, none, ...others])).toBe(MISSING);
  });

  test("is not a value that differs from the SHA-256 of an empty input in one bit", () => {
    expect(
      verdict(caddy({ encoding: "sha256-hex" }), ["x-client-cert-sha256", hexOfEmptyInput.replace(/5$/, "4")]),
    ).toMatch(/^[\w-]{43}$/);
  });
});

describe("a value that is too large", () => {
  const format = { header: "client-cert", decode: () => formats.rfc9440.decode(value) };

  test("is rejected above 65,536 characters", () => {
    expect(verdict(format, ["client-cert", "a".repeat(65_536)])).toBe(thumbprint);
    expect(verdict(format, ["client-cert", "a".repeat(65_537)])).toBe(MALFORMED);
  });
});

describe("the detail of a rejection", () => {
  const header = "ssl-client-cert";
  const verified = ["ssl-client-verify", "SUCCESS"];

  test.each<[string, readonly string[], string, string, RegExp]>([
    ["a missing header", verified, proxyAddress, MISSING, /^the header ssl-client-cert is missing$/],
    [
      "a missing header from another sender",
      [],
      elsewhere,
      MISSING,
      /^the header ssl-client-cert is missing; the connection does not come from an address of the proxy$/,
    ],
    [
      "a header from another sender",
      [header, escaped],
      elsewhere,
      UNTRUSTED,
      /^the header ssl-client-cert does not come from the proxy: the connection does not come from an address/,
    ],
    ["two headers", [header, escaped, header, escaped], proxyAddress, MALFORMED, /occurs 2 times instead of once/],
    [
      "a header that is too large",
      [header, "a".repeat(65_537)],
      proxyAddress,
      MALFORMED,
      /too large: 65537 characters/,
    ],
    ["a truncated value", [header, escaped.slice(0, 400)], proxyAddress, MALFORMED, /truncated/],
    [
      "a value of another format",
      [header, der],
      proxyAddress,
      MALFORMED,
      /not percent-encoded PEM: it looks like base64 DER/,
    ],
    [
      "a fingerprint",
      [header, "609e5ec41ef6d46913e8e4a420427fdb351fa460"],
      proxyAddress,
      MALFORMED,
      /SHA-1 fingerprint, but SHA-256 is required/,
    ],
    [
      "no verify header",
      [header, escaped],
      proxyAddress,
      UNTRUSTED,
      /^the header ssl-client-verify with the proxy's verification result is missing$/,
    ],
    [
      "two verify headers",
      [header, escaped, ...verified, ...verified],
      proxyAddress,
      UNTRUSTED,
      /^the header ssl-client-verify occurs 2 times instead of once$/,
    ],
    [
      "a failed verification",
      [header, escaped, "ssl-client-verify", "FAILED:expired"],
      proxyAddress,
      UNTRUSTED,
      /reports in ssl-client-verify that it did not verify/,
    ],
    [
      "an empty value",
      [header, "", ...verified],
      proxyAddress,
      MISSING,
      /an empty value .*: the client presented no certificate, or one that is too large/,
    ],
    [
      "an empty byte sequence",
      [header, "::", ...verified],
      proxyAddress,
      MISSING,
      /an empty value .*: the client presented no certificate, or one that is too large/,
    ],
    [
      "Apache's marker",
      [header, "(null)", ...verified],
      proxyAddress,
      MISSING,
      /the proxy sent `\(null\)` in .*: the client presented no certificate$/,
    ],
    ["a placeholder", [header, "{a.b}", ...verified], proxyAddress, MISSING, /a placeholder that was not replaced/],
    [
      "a placeholder between colons",
      [header, ":{a.b}:", ...verified],
      proxyAddress,
      MISSING,
      /a placeholder that was not replaced/,
    ],
  ])("describes %s", (_, rawHeaders, address, code, sentence) => {
    const result = fromProxy(nginx(), { trust })(requestWith(rawHeaders, address));
    expect(outcomeOf(result)).toBe(code);
    expect(detailOf(result)).toMatch(sentence);
  });

  test("names the SHA-256 of an empty input", () => {
    const result = resolved(caddy({ encoding: "sha256-hex" }), ["X-Client-Cert-Sha256", hexOfEmptyInput]);
    expect(detailOf(result)).toMatch(/SHA-256 of an empty input.*: the client presented no certificate/);
  });

  const marker = "MARKER0123456789";
  const planted = [
    marker,
    `:${marker}:`,
    `{${marker}}`,
    `:{${marker}}:`,
    `(${marker})`,
    `-----BEGIN%20CERTIFICATE-----%0A${marker}%0A-----END%20CERTIFICATE-----`,
    `-----BEGIN CERTIFICATE----- ${marker} -----END CERTIFICATE-----`,
    `-----BEGIN CERTIFICATE----- ${marker}`,
    `-----BEGIN${marker}`,
    `Hash=${marker}`,
    `${marker}=a`,
    `Hash=${hexOfEmptyInput};Cert="${marker}"`,
    `Hash=${hexOfEmptyInput};URI="${marker}`,
    `Hash=${hexOfEmptyInput},URI=${marker}`,
    `${marker}, ${marker}`,
    `%${marker}`,
    `%GG${marker}`,
    `"${marker}"`,
    Buffer.from(`-----BEGIN ${marker}`).toString("base64"),
    Buffer.from(`-----BEGIN CERTIFICATE-----\n${marker}\n-----END CERTIFICATE-----`).toString("base64"),
  ];

  test.each(Object.keys(formats) as readonly FormatName[])("does not quote the headers: %s", (name) => {
    const format: ForwardedCertificateFormat = formats[name];
    const verifyHeaders = [format.verify ?? []].flat();
    for (const text of planted) {
      const verify = verifyHeaders.flatMap((rule) => [rule.header, marker]);
      for (const rawHeaders of [
        [format.header, text],
        [format.header, text, ...verify],
        [format.header, text, format.header, text],
        [format.header, ...verify],
      ]) {
        for (const address of [proxyAddress, elsewhere, marker]) {
          const result = fromProxy(format, { trust })(requestWith(rawHeaders, address));
          const { message, detail, stack } = result as AccessTokenError;
          expect(result).toBeInstanceOf(AccessTokenError);
          expect(`${message} ${detail} ${stack} ${JSON.stringify(result)}`).not.toMatch(/MARKER|TUFSS0VS/);
        }
      }
    }
  });

  test("does not quote a verify header", () => {
    for (const result of [marker, `FAILED:${marker}`, `SUCCESS ${marker}`, `${marker}SUCCESS`]) {
      const rejection = resolved(nginx(), [header, escaped, "ssl-client-verify", result]);
      expect(outcomeOf(rejection)).toBe(UNTRUSTED);
      expect(detailOf(rejection)).not.toContain("MARKER");
    }
  });
});

describe("any list of headers", () => {
  const name = fc.constantFrom(
    "Client-Cert",
    "client-cert",
    "CLIENT-CERT",
    "Client_Cert",
    "Host",
    "ssl-client-cert",
    "",
  );
  const text = fc.oneof(
    fc.constantFrom(value, forged, "", "::", "(null)", `${value}, ${forged}`),
    fc.string({ maxLength: 20 }),
  );

  fuzz.prop([fc.array(fc.tuple(name, text), { maxLength: 5 }), fc.boolean()], { numRuns: 500 })(
    "gives a certificate if and only if the header is valid, occurs once and comes from the proxy",
    (fields, trusted) => {
      const resolve = fromProxy(rfc9440(), { trust });
      const result = resolve(requestWith(fields.flat(), trusted ? proxyAddress : elsewhere));
      const found = fields.filter(([field]) => field.toLowerCase() === "client-cert").map(([, sent]) => sent);
      const good = trusted && found.length === 1 && (found[0] === value || found[0] === forged);
      const owner = found[0] === value ? thumbprint : certificates.victim.thumbprint;
      if (good) expect(outcomeOf(result)).toBe(owner);
      else expect([MISSING, MALFORMED, UNTRUSTED]).toContain(outcomeOf(result));
      if (!trusted) expect(outcomeOf(result)).toBe(found.length === 0 ? MISSING : UNTRUSTED);
    },
  );
});

describe("a custom format", () => {
  const decode = (text: string) => rfc9440().decode(text.slice(1));
  const custom: ForwardedCertificateFormat = { header: "X-Own", decode };

  test("consists of header and decode, which is called with the value", () => {
    expect(verdict(custom, ["x-own", `!${value}`])).toBe(thumbprint);
    expect(verdict(custom, ["x-own", value])).toBe(MALFORMED);
  });

  test.each<[string, NonNullable<ForwardedCertificateFormat["verify"]>]>([
    ["a value", { header: "X-Own-Verify", success: "OK" }],
    ["several values", { header: "X-Own-Verify", success: ["YES", "OK"] }],
    ["a function", { header: "X-Own-Verify", success: (text) => text === "OK" }],
    ["a list of one", [{ header: "X-Own-Verify", success: "OK" }]],
    [
      "a list of two",
      [
        { header: "X-Own-Verify", success: "OK" },
        { header: "x-own-verify", success: ["OK"] },
      ],
    ],
  ])("can have a verify header: %s", (_, verify) => {
    expect(verdict({ ...custom, verify }, ["x-own", `!${value}`, "x-own-verify", "OK"])).toBe(thumbprint);
    expect(verdict({ ...custom, verify }, ["x-own", `!${value}`, "x-own-verify", "ok"])).toBe(UNTRUSTED);
    expect(verdict({ ...custom, verify }, ["x-own", `!${value}`])).toBe(UNTRUSTED);
  });

  test.each<[string, unknown]>([
    ["1", 1],
    ["a string", "true"],
    ["undefined", undefined],
    ["an object", {}],
    ["a promise of true", Promise.resolve(true)],
  ])("is rejected if a verify function returns %s", (_, returned) => {
    const verify = { header: "x-own-verify", success: () => returned as boolean };
    expect(verdict({ ...custom, verify }, ["x-own", `!${value}`, "x-own-verify", "OK"])).toBe(UNTRUSTED);
  });

  test("reports a missing certificate by returning undefined", () => {
    const result = resolved({ ...custom, decode: () => undefined }, ["x-own", "none"]);
    expect(outcomeOf(result)).toBe(MISSING);
  });

  test("rejects by throwing an AccessTokenError", () => {
    const error = new AccessTokenError(UNTRUSTED, { detail: "not this one" });
    const reject = () => {
      throw error;
    };
    expect(resolved({ ...custom, decode: reject }, ["x-own", "a"])).toBe(error);
  });

  test.each<[string, Error]>([
    ["an Error", new Error("bug")],
    ["a TypeError", new TypeError("bug")],
    ["a URIError", new URIError("bug")],
  ])("fails with any other error that it throws: %s", (_, error) => {
    const fail = () => {
      throw error;
    };
    const verify = { header: "x-own-verify", success: fail };
    expect(() => resolved({ ...custom, decode: fail }, ["x-own", "a"])).toThrow(error);
    expect(() => resolved({ ...custom, verify }, ["x-own", `!${value}`, "x-own-verify", "OK"])).toThrow(error);
  });

  test("is copied: later changes have no effect", () => {
    const success = ["OK"];
    const verify = [{ header: "x-own-verify", success }];
    const format = { header: "x-own", decode, verify };
    const resolve = fromProxy(format, { trust });
    format.header = "x-other";
    format.decode = () => undefined;
    success.push("NONE");
    Object.assign(verify[0] ?? {}, { header: "x-own", success: () => true });
    verify.length = 0;
    expect(outcomeOf(resolve(requestWith(["x-own", `!${value}`, "x-own-verify", "OK"])))).toBe(thumbprint);
    expect(outcomeOf(resolve(requestWith(["x-own", `!${value}`, "x-own-verify", "NONE"])))).toBe(UNTRUSTED);
    expect(outcomeOf(resolve(requestWith(["x-own", `!${value}`])))).toBe(UNTRUSTED);
  });

  test.each<[string, unknown]>([
    ["missing", undefined],
    ["null", null],
    ["the function that creates it", rfc9440],
    ["its name", "rfc9440"],
    ["a list", [rfc9440()]],
    ["empty", {}],
    ["without header", { decode }],
    ["without decode", { header: "x-own" }],
    ["with a header that is undefined", { header: undefined, decode }],
    ["with a decode that is undefined", { header: "x-own", decode: undefined }],
    ["with an empty header", { header: "", decode }],
    ["with a list of headers", { header: ["x-own", "x-other"], decode }],
    ["with two names in one", { header: "x-own, x-other", decode }],
    ["with a blank in the header", { header: "x own", decode }],
    ["with an encoding as decode", { header: "x-own", decode: "rfc9440" }],
    ["with an unknown member", { header: "x-own", decode, headers: ["x-own"] }],
    ["with a misspelled verify", { header: "x-own", decode, verfy: { header: "a", success: "b" } }],
    ["with a verify that is true", { header: "x-own", decode, verify: true }],
    ["with an empty list of verify", { header: "x-own", decode, verify: [] }],
    ["with a verify without success", { header: "x-own", decode, verify: { header: "a" } }],
    ["with a verify without header", { header: "x-own", decode, verify: { success: "a" } }],
    ["with a verify that has an empty success", { header: "x-own", decode, verify: { header: "a", success: "" } }],
    [
      "with a verify that has an empty list as success",
      { header: "x-own", decode, verify: { header: "a", success: [] } },
    ],
    [
      "with a verify that has a regular expression as success",
      { header: "x-own", decode, verify: { header: "a", success: /ok/ } },
    ],
    [
      "with a verify that has a string as provesChain",
      { header: "x-own", decode, verify: { header: "a", success: "b", provesChain: "true" } },
    ],
    ["with a demandsSecret that is a string", { header: "x-own", decode, demandsSecret: "no" }],
    ["with a demandsSecret that is a number", { header: "x-own", decode, demandsSecret: 0 }],
    ["with inherited members", Object.create({ header: "x-own", decode })],
  ])("causes a TypeError if it is %s", (_, format) => {
    expect(() => fromProxy(format as ForwardedCertificateFormat, { trust })).toThrow(TypeError);
    expect(() => fromProxy(format as ForwardedCertificateFormat, { trust })).toThrow(/^certbound: /);
    expect(() => fromProxy(custom, { trust })).not.toThrow();
  });
});

describe("the options of fromProxy", () => {
  test.each<[string, unknown, RegExp]>([
    ["missing", undefined, /options of fromProxy must be an object/],
    ["null", null, /options of fromProxy must be an object/],
    ["a list", [{ trust }], /options of fromProxy must be an object/],
    ["without trust", {}, /"trust" of fromProxy is missing: any client can send the header/],
    ["with a trust that is undefined", { trust: undefined }, /"trust"/],
    ["with a trust that is null", { trust: null }, /"trust"/],
    ["with a trust that is true", { trust: true }, /"trust"/],
    ["with a trust that is false", { trust: false }, /"trust"/],
    ["with a trust that is an address", { trust: proxyAddress }, /"trust"/],
    ["with a trust that is a list", { trust: [proxyAddress] }, /"trust"/],
    ["with a trust that is a function", { trust: () => true }, /"trust"/],
    ["with a trust that is empty", { trust: {} }, /trust rule is empty/],
    ["with another option", { trust, trusted: true }, /unknown option "trusted"/],
    ["with trust misspelled", { Trust: trust }, /unknown option "Trust"/],
    ["with the rule instead of trust", trust, /unknown option "addresses"/],
    ["with an inherited trust", Object.create({ trust }), /"trust" of fromProxy is missing/],
  ])("cause a TypeError if they are %s", (_, options, message) => {
    expect(() => fromProxy(rfc9440(), options as FromProxyOptions)).toThrow(TypeError);
    expect(() => fromProxy(rfc9440(), options as FromProxyOptions)).toThrow(message);
  });

  const secret = { header: "x-proxy-secret", value: "0123456789abcdef0123456789abcdef" };

  describe.each([
    ["kong", kong],
    ["ingressNginx", ingressNginx],
  ] as const)("for %s, which forwards the client's own header", (_, create) => {
    test.each<[string, object]>([
      ["addresses", { addresses: [proxyAddress] }],
      ["a unix socket", { unixSocket: true }],
      ["certificates", { certificateThumbprints: [thumbprint] }],
      ["all three rules", { addresses: [proxyAddress], unixSocket: true, certificateThumbprints: [thumbprint] }],
      ["an inherited secret", Object.assign(Object.create({ secret }) as object, { addresses: [proxyAddress] })],
    ])("require the secret in addition to %s", (__, rule) => {
      expect(() => fromProxy(create(), { trust: rule })).toThrow(TypeError);
      expect(() => fromProxy(create(), { trust: rule })).toThrow(/trust\.secret, or "dangerouslyAssumeHeaderStripped"/);
      expect(() => fromProxy(create(), { trust: { ...rule, secret } })).not.toThrow();
      expect(() => fromProxy(create({ dangerouslyAssumeHeaderStripped: true }), { trust: rule })).not.toThrow();
    });

    test("cause a TypeError if the secret is undefined", () => {
      const options = { trust: { addresses: [proxyAddress], secret: undefined } };
      expect(() => fromProxy(create(), options)).toThrow(TypeError);
    });

    test("can consist of the secret only", () => {
      const format = create();
      const resolve = fromProxy(format, { trust: { secret } });
      const headers = [format.header, escaped, "ssl-client-verify", "SUCCESS"];
      expect(outcomeOf(resolve(requestWith([...headers, "X-Proxy-Secret", secret.value])))).toBe(thumbprint);
      expect(outcomeOf(resolve(requestWith(headers)))).toBe(UNTRUSTED);
    });
  });

  test("require the secret for a custom format with demandsSecret", () => {
    const format = { ...rfc9440(), demandsSecret: true };
    expect(() => fromProxy(format, { trust })).toThrow(/trust\.secret/);
    expect(() => fromProxy(format, { trust: { secret } })).not.toThrow();
    expect(() => fromProxy({ ...format, demandsSecret: false }, { trust })).not.toThrow();
  });
});

const certificateAuthority = await createCertificateAuthority();
const { certificate: cert, key } = await certificateAuthority.issueServerCertificate();

describe("fromProxy on a real connection", () => {
  const resolve = fromProxy(rfc9440(), { trust: { addresses: ["127.0.0.1"] } });
  const elsewhereOnly = fromProxy(rfc9440(), { trust: { addresses: [elsewhere] } });

  describe.each([1, 2] as const)("over HTTP/%i", (httpVersion) => {
    test.each<[string, Readonly<Record<string, string | readonly string[]>>, string, string]>([
      ["one header", { "Client-Cert": value }, thumbprint, UNTRUSTED],
      ["no header", { "Client-Cert-Chain": value }, MISSING, MISSING],
      ["an underscore variant", { client_cert: value }, MISSING, MISSING],
      ["two headers", { "Client-Cert": [forged, value] }, MALFORMED, UNTRUSTED],
      ["two in one", { "Client-Cert": `${forged}, ${value}` }, MALFORMED, UNTRUSTED],
    ])("determines the result for %s", async (_, headers, outcome, outcomeForOthers) => {
      const results = (request: IncomingRequest): string =>
        `${outcomeOf(resolve(request))} ${outcomeOf(elsewhereOnly(request))}`;
      const server = await startServer(
        httpVersion === 2
          ? createSecureServer({ cert, key }, (request, response) => response.end(results(request)))
          : createServer({ cert, key }, (request, response) => response.end(results(request))),
      );
      onTestFinished(server.close);
      const { body } = await mtlsRequest(server.url, { ca: certificateAuthority.certificate, headers, httpVersion });
      expect(body).toBe(`${outcome} ${outcomeForOthers}`);
    });
  });
});

describe("an invalid request", () => {
  test.each<[string, unknown]>([
    ["undefined", undefined],
    ["null", null],
    ["an empty object", {}],
    ["a function", () => {}],
    ["a list", []],
  ])("causes a TypeError, not a rejection: %s", (_, request) => {
    expect(() => fromProxy(rfc9440(), { trust })(request as IncomingRequest)).toThrow(TypeError);
  });

  test("is not an object without a socket, which can meet only the rule secret", () => {
    const request = { rawHeaders: ["client-cert", value, "x-secret", "s".repeat(32)] } as unknown as IncomingRequest;
    expect(outcomeOf(fromProxy(rfc9440(), { trust })(request))).toBe("ERR_CERTIFICATE_UNTRUSTED");
    const secret = { header: "x-secret", value: "s".repeat(32) };
    expect(outcomeOf(fromProxy(rfc9440(), { trust: { secret } })(request))).toBe(thumbprint);
  });
});

describe("an incomplete header list", () => {
  const filler = (count: number) => Array.from({ length: count }, () => ["a", ""]).flat();
  const secret = "0123456789abcdef0123456789abcdef";

  /** Resolves a request with `count` header fields, of which `headers` are the first. */
  function resolvedAmong(count: number, headers: readonly string[], options: { server?: object; trust?: object } = {}) {
    const { server, trust: rule = trust } = options;
    const format = { ...rfc9440(), verify: { header: "x-verify", success: "SUCCESS" } };
    const rawHeaders = [...headers, ...filler(count - headers.length / 2)];
    const socket = { remoteAddress: proxyAddress, ...(server && { server }) };
    return fromProxy(format, { trust: rule })({ rawHeaders, socket });
  }

  const verified = ["Client-Cert", value, "X-Verify", "SUCCESS"];

  test.each([
    [1000, {}],
    [1000, { maxHeadersCount: null }],
    [10, { maxHeadersCount: 10 }],
    [3000, { maxHeadersCount: 3000 }],
  ])("of %i fields or more is rejected, and one with fewer fields is not", (limit, server) => {
    expect(outcomeOf(resolvedAmong(limit - 1, verified, { server }))).toBe(thumbprint);
    for (const count of [limit, limit + 1, limit + 31])
      expect(outcomeOf(resolvedAmong(count, verified, { server }))).toBe(MALFORMED);
  });

  test("does not exist on a server without a limit", () => {
    expect(outcomeOf(resolvedAmong(5000, verified, { server: { maxHeadersCount: 0 } }))).toBe(thumbprint);
  });

  test.each<[string, readonly string[], object, string]>([
    ["the header of the format", [], trust, MISSING],
    ["the verify header", ["Client-Cert", value], trust, UNTRUSTED],
    ["the secret", verified, { secret: { header: "x-secret", value: secret } }, UNTRUSTED],
    ["the address of the proxy", verified, { addresses: [elsewhere] }, UNTRUSTED],
  ])("is rejected as malformed before other checks: without %s", (_, headers, rule, otherwise) => {
    expect(outcomeOf(resolvedAmong(1000, headers, { trust: rule }))).toBe(MALFORMED);
    expect(outcomeOf(resolvedAmong(999, headers, { trust: rule }))).toBe(otherwise);
  });

  test("is explained in the detail", () => {
    const detail = detailOf(resolvedAmong(1023, verified));
    expect(detail).toMatch(/incomplete.*1023.*1000/);
    expect(detail).not.toContain(value);
  });
});

describe("a cached value", () => {
  const other = encoders.rfc9440(Buffer.from(certificates.rsa2048.der, "base64"));
  const secret = "0123456789abcdef0123456789abcdef";

  /** Creates a resolver with a format that records the values that it decodes. */
  function recordingResolver(): { readonly calls: string[]; readonly resolve: (...rawHeaders: string[]) => unknown } {
    const calls: string[] = [];
    const format: ForwardedCertificateFormat = {
      ...rfc9440(),
      decode: (text) => (calls.push(text), rfc9440().decode(text)),
      verify: { header: "x-verify", success: "SUCCESS" },
    };
    const resolver = fromProxy(format, { trust: { secret: { header: "x-secret", value: secret } } });
    const resolve = (...rawHeaders: string[]) => {
      const result = resolver({ rawHeaders, socket: {} });
      return result instanceof AccessTokenError ? result.code : result.thumbprint;
    };
    return { calls, resolve };
  }

  const proven = ["x-secret", secret, "x-verify", "SUCCESS"];

  test("is not decoded again, and gives the certificate of that value", () => {
    const { calls, resolve } = recordingResolver();
    const results = [value, other, value, other].map((text) => resolve("client-cert", text, ...proven));
    const { thumbprint: otherThumbprint } = certificates.rsa2048;
    expect(results).toEqual([thumbprint, otherThumbprint, thumbprint, otherThumbprint]);
    expect(calls).toEqual([value, other]);
  });

  test.each([
    ["the secret", ["x-verify", "SUCCESS"]],
    ["the correct secret", ["x-secret", `${secret}0`, "x-verify", "SUCCESS"]],
    ["the verify header", ["x-secret", secret]],
    ["a verify header that reports success", ["x-secret", secret, "x-verify", "FAILED:expired"]],
  ])("is not accepted without %s", (_, rawHeaders) => {
    const { resolve } = recordingResolver();
    expect(resolve("client-cert", value, ...proven)).toBe(thumbprint);
    expect(resolve("client-cert", value, ...rawHeaders)).toBe(UNTRUSTED);
    expect(resolve("client-cert", value, "client-cert", value, ...proven)).toBe(MALFORMED);
  });

  test("is decoded again if it was rejected", () => {
    const { calls, resolve } = recordingResolver();
    const truncated = `${value.slice(0, 40)}:`;
    const twice = [truncated, truncated].map((text) => resolve("client-cert", text, ...proven));
    expect(twice).toEqual([MALFORMED, MALFORMED]);
    expect(calls).toHaveLength(2);
  });

  test("is removed from the cache after many other values: the size of the cache is limited", () => {
    const { calls, resolve } = recordingResolver();
    resolve("client-cert", value, ...proven);
    for (let index = 0; index < 3000; index += 1) {
      const content = Buffer.alloc(512);
      content.writeUInt32BE(index, 0);
      const bytes = certificateShaped(content);
      resolve("client-cert", `:${bytes.toString("base64")}:`, ...proven);
    }
    resolve("client-cert", value, ...proven);
    expect(calls.filter((text) => text === value)).toHaveLength(2);
  });
});

describe("the chain of a forwarded certificate", () => {
  const chainVerified = (format: ForwardedCertificateFormat, rawHeaders: readonly string[]): unknown => {
    const result = resolved(format, rawHeaders);
    return result instanceof AccessTokenError ? result.code : result.chainVerified;
  };
  const decode = decoders.rfc9440;
  const haproxyHeaders = ["x-ssl-client-der", value.slice(1, -1), "x-ssl-client-verify", "0"];

  test.each<[string, ForwardedCertificateFormat, readonly string[], unknown]>([
    ["SUCCESS of nginx", nginx(), ["ssl-client-cert", escaped, "ssl-client-verify", "SUCCESS"], true],
    [
      "SUCCESS of nginx with verify: presented",
      nginx({ verify: "presented" }),
      ["ssl-client-cert", escaped, "ssl-client-verify", "SUCCESS"],
      false,
    ],
    [
      "FAILED of nginx with verify: presented",
      nginx({ verify: "presented" }),
      ["ssl-client-cert", escaped, "ssl-client-verify", "FAILED:self-signed certificate"],
      false,
    ],
    ["NONE of nginx", nginx(), ["ssl-client-cert", escaped, "ssl-client-verify", "NONE"], UNTRUSTED],
    ["0 of HAProxy", haproxy(), haproxyHeaders, true],
    ["0 of HAProxy with a usedHeader", haproxy({ usedHeader: "x-used" }), [...haproxyHeaders, "x-used", "1"], true],
    ["0 of HAProxy with verify: presented", haproxy({ verify: "presented" }), haproxyHeaders, false],
    ["no verify header", rfc9440(), ["client-cert", value], false],
    [
      "a custom verify header without provesChain",
      { header: "x-own", decode, verify: { header: "x-ok", success: "1" } },
      ["x-own", value, "x-ok", "1"],
      false,
    ],
    [
      "a custom verify header with provesChain",
      { header: "x-own", decode, verify: { header: "x-ok", success: "1", provesChain: true } },
      ["x-own", value, "x-ok", "1"],
      true,
    ],
    [
      "a custom verify header with provesChain that does not report success",
      { header: "x-own", decode, verify: { header: "x-ok", success: "1", provesChain: true } },
      ["x-own", value, "x-ok", "0"],
      UNTRUSTED,
    ],
  ])("is reported in chainVerified: %s", (_, format, rawHeaders, expected) => {
    expect(chainVerified(format, rawHeaders)).toBe(expected);
  });

  test("is reported for a custom decode only with provesChain", () => {
    const custom = { header: "x-own", decode: () => ({ thumbprint, x509: undefined }) };
    const verify = { header: "x-ok", success: "1", provesChain: true };
    expect(chainVerified(custom, ["x-own", "a"])).toBeUndefined();
    expect(chainVerified({ ...custom, verify }, ["x-own", "a", "x-ok", "1"])).toBe(true);
    expect(chainVerified({ ...custom, decode: () => undefined, verify }, ["x-own", "a", "x-ok", "1"])).toBe(MISSING);
  });
});
