import { fc, test as fuzz } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { AccessTokenError } from "../../../src/errors.ts";
import { azureContainerApps } from "../../../src/proxy/formats/azure.ts";
import { envoy, type EnvoyOptions } from "../../../src/proxy/formats/envoy.ts";
import { encoders, hexOfEmptyInput, pemOf, resolved, verdict } from "../../support/forwarding.ts";
import { certificates } from "../../vectors/proxies/fixtures.ts";

fc.configureGlobal({ seed: 1989 });

const MISSING = "ERR_CERTIFICATE_MISSING";
const MALFORMED = "ERR_CERTIFICATE_MALFORMED";
const UNTRUSTED = "ERR_CERTIFICATE_UNTRUSTED";

const { ec256, victim, uriinj, rsa2048 } = certificates;
const der = Buffer.from(ec256.der, "base64");

const gateway = "spiffe://mesh.example/ns/gateway/sa/ingress";

function hashOf(certificate: { readonly thumbprint: string }): string {
  return Buffer.from(certificate.thumbprint, "base64url").toString("hex");
}

function certOf(certificate: { readonly der: string }): string {
  return encoders["pem-urlencoded"](Buffer.from(certificate.der, "base64"));
}

/** Reads a value with these options; returns the thumbprint, or the code of the rejection. */
function read(value: string, options: EnvoyOptions = {}): string {
  return verdict(envoy(options), ["x-forwarded-client-cert", value]);
}

function detailOf(value: string, options: EnvoyOptions = {}): string {
  const result = resolved(envoy(options), ["x-forwarded-client-cert", value]);
  if (!(result instanceof AccessTokenError)) throw new Error("there was no rejection");
  return result.detail ?? "";
}

describe("envoy with one element", () => {
  test.each([
    ["Hash alone", `Hash=${hashOf(ec256)}`],
    ["Hash in quotes", `Hash="${hashOf(ec256)}"`],
    ["Hash and Cert", `Hash=${hashOf(ec256)};Cert="${certOf(ec256)}"`],
    ["Cert before Hash", `Cert="${certOf(ec256)}";Hash=${hashOf(ec256)}`],
    [
      "Cert in the encoding of old versions",
      `Hash=${hashOf(ec256)};Cert="${pemOf(der).replaceAll("\n", "%0A").replaceAll(" ", "%20").replaceAll("+", "%2B").replaceAll("/", "%2F").replaceAll("=", "%3D")}"`,
    ],
    ["a Chain of other certificates", `Hash=${hashOf(ec256)};Chain="${certOf(ec256)}${certOf(rsa2048)}"`],
    ["Hash and a Chain of another certificate, which is ignored", `Hash=${hashOf(ec256)};Chain="${certOf(victim)}"`],
    ["an empty URI", `By=;Hash=${hashOf(ec256)};URI=`],
    ["several URIs and DNS names", `Hash=${hashOf(ec256)};URI=a;URI=b;DNS=c;DNS=d`],
    ["a Subject with separators and quotes", `Hash=${hashOf(ec256)};Subject="CN=\\"a\\",O=;Hash=${hashOf(victim)}"`],
    ["keys in another letter case", `by=a;HASH=${hashOf(ec256)}`],
  ])("reads %s", (_, value) => {
    expect(read(value)).toBe(ec256.thumbprint);
  });

  test.each([
    ["a missing Hash", "By=spiffe://a;URI=spiffe://b"],
    ["a Cert without Hash", `Cert="${certOf(ec256)}"`],
    ["Hash twice", `Hash=${hashOf(ec256)};Hash=${hashOf(ec256)}`],
    ["Hash twice, in another letter case", `Hash=${hashOf(ec256)};hash=${hashOf(victim)}`],
    ["Cert twice", `Hash=${hashOf(ec256)};Cert="${certOf(ec256)}";Cert="${certOf(ec256)}"`],
    ["Hash and Cert that do not match", `Hash=${hashOf(ec256)};Cert="${certOf(victim)}"`],
    ["the SHA-256 of an empty input as Hash, next to a Cert", `Hash=${hexOfEmptyInput};Cert="${certOf(ec256)}"`],
    ["a Cert of two certificates", `Hash=${hashOf(ec256)};Cert="${certOf(ec256)}${certOf(victim)}"`],
    ["an empty Cert", `Hash=${hashOf(ec256)};Cert=""`],
    ["a Cert that is not encoded", `Hash=${hashOf(ec256)};Cert="${pemOf(der)}"`],
    ["a Cert in base64", `Hash=${hashOf(ec256)};Cert="${ec256.der}"`],
    ["an empty Hash", "Hash="],
    ["a short Hash", `Hash=${hashOf(ec256).slice(1)}`],
    ["a Hash of SHA-1", `Hash=${hashOf(ec256).slice(0, 40)}`],
    ["a Hash in base64url", `Hash=${ec256.thumbprint}`],
    ["two elements", `Hash=${hashOf(ec256)},Hash=${hashOf(ec256)}`],
    ["an element and an empty element", `Hash=${hashOf(ec256)},`],
    ["an unknown key", `Hash=${hashOf(ec256)};Sha256=${hashOf(ec256)}`],
    ["a quote that is not closed", `Hash=${hashOf(ec256)};Subject="CN=a`],
    ["base64 DER, which Cloud Foundry sends in the same header", ec256.der],
  ])("rejects %s", (_, value) => {
    expect(read(value)).toBe(MALFORMED);
  });

  test("treats the SHA-256 of an empty input as a missing certificate", () => {
    expect(read(`Hash=${hexOfEmptyInput}`)).toBe(MISSING);
    expect(read(`By=spiffe://a;Hash=${hexOfEmptyInput.toUpperCase()};Subject="";URI=`)).toBe(MISSING);
    expect(read("")).toBe(MISSING);
  });

  test.each<[string, string, RegExp]>([
    ["a Hash of SHA-1", `Hash=${hashOf(ec256).slice(0, 40)}`, /SHA-1/],
    [
      "Hash and Cert that do not match",
      `Hash=${hashOf(ec256)};Cert="${certOf(victim)}"`,
      /Hash and Cert .* do not match/,
    ],
    ["Hash twice", `Hash=${hashOf(ec256)};Hash=${hashOf(ec256)}`, /hash 2 times/],
    ["two elements", `Hash=${hashOf(ec256)},Hash=${hashOf(ec256)}`, /2 elements instead of 1/],
    ["a Cert without Hash", `Cert="${certOf(ec256)}"`, /does not have a Hash/],
    ["base64 DER", ec256.der, /base64 DER/],
  ])("explains the rejection without quoting the value: %s", (_name, value, sentence) => {
    expect(detailOf(value)).toMatch(sentence);
    expect(detailOf(value)).not.toContain(hashOf(ec256).slice(0, 8));
  });
});

describe("envoy with several elements", () => {
  const [client, proxy, other] = [ec256, rsa2048, victim].map((certificate) => `Hash=${hashOf(certificate)}`);
  const byGateway = `${proxy};URI=${gateway}`;

  test.each<[string, string, EnvoyOptions, string]>([
    ["the last element by default", `${client},${proxy}`, { elements: 2 }, rsa2048.thumbprint],
    ["the first element", `${client},${proxy}`, { elements: 2, index: 0 }, ec256.thumbprint],
    ["the middle element", `${other},${client},${proxy}`, { elements: 3, index: 1 }, ec256.thumbprint],
    ["the only element", client ?? "", { elements: 1, index: 0 }, ec256.thumbprint],
    [
      "the first of three elements if the gateway wrote the last",
      `${client},${other},${byGateway}`,
      { elements: 3, index: 0, lastHopUri: gateway },
      ec256.thumbprint,
    ],
    [
      "the first of 16 elements",
      Array.from({ length: 16 }, (_, at) => (at === 0 ? client : other)).join(","),
      { elements: 16, index: 0 },
      ec256.thumbprint,
    ],
  ])("reads %s", (_, value, options, thumbprint) => {
    expect(read(value, options)).toBe(thumbprint);
  });

  test.each<[string, string, EnvoyOptions]>([
    ["fewer elements than configured", client ?? "", { elements: 2, index: 0 }],
    ["more elements than configured", `${other},${client},${proxy}`, { elements: 2, index: 0 }],
    ["more than one element by default", `${client},${proxy}`, {}],
    ["an empty element", `,${client}`, { elements: 2 }],
  ])("rejects %s", (_, value, options) => {
    expect(read(value, options)).toBe(MALFORMED);
  });

  test("rejects two headers that would be valid if they were joined", () => {
    const headers = ["x-forwarded-client-cert", client ?? "", "x-forwarded-client-cert", byGateway];
    expect(verdict(envoy({ elements: 2, index: 0, lastHopUri: gateway }), headers)).toBe(MALFORMED);
    expect(read(`${client},${byGateway}`, { elements: 2, index: 0, lastHopUri: gateway })).toBe(ec256.thumbprint);
  });

  test.each<[string, string, string]>([
    [
      "a last element of another workload of the mesh",
      `${client},${proxy};URI=spiffe://mesh.example/ns/evil/sa/evil`,
      UNTRUSTED,
    ],
    ["a last element without a URI", `${client},${proxy}`, UNTRUSTED],
    ["a last element with an empty URI", `${client},${proxy};URI=`, UNTRUSTED],
    ["a last element with a longer URI", `${client},${byGateway}/more`, UNTRUSTED],
    ["a last element with a shorter URI", `${client},${byGateway.slice(0, -1)}`, UNTRUSTED],
    ["a last element whose URI differs in letter case", `${client},${byGateway.toUpperCase()}`, UNTRUSTED],
    ["a last element with the URI in By only", `${client},${proxy};By=${gateway}`, UNTRUSTED],
    ["a last element with another URI before it", `${client},${proxy};URI=spiffe://a;URI=${gateway}`, MALFORMED],
    ["a last element with another URI after it", `${client},${byGateway};URI=spiffe://a`, MALFORMED],
    [
      "a first element with the URI, instead of the last",
      `${client};URI=${gateway},${proxy};URI=spiffe://a`,
      UNTRUSTED,
    ],
    ["the element of the gateway before another one", `${byGateway},${client}`, UNTRUSTED],
  ])("rejects with lastHopUri: %s", (_, value, code) => {
    const options = { elements: 2, index: 0, lastHopUri: gateway };
    expect(read(`${client},${byGateway}`, options)).toBe(ec256.thumbprint);
    expect(read(value, options)).toBe(code);
  });
});

describe("a certificate with a URI that looks like XFCC", () => {
  // Envoy neither quotes nor escapes the URI.
  const recorded = "spiffe://example.org/a;Hash=0000,By=spiffe://evil";
  const element = `By=spiffe://example.org/server;Hash=${hashOf(uriinj)};Subject="CN=client-uriinj"`;

  test("is contained in the fixture", () => {
    expect(Buffer.from(uriinj.der, "base64").toString("latin1")).toContain(recorded);
  });

  test.each([
    ["the URI of the fixture", recorded],
    ["a Hash", `spiffe://a;Hash=${hashOf(victim)}`],
    ["a Hash in another element", `spiffe://a,Hash=${hashOf(victim)}`],
    ["an element before the real one", `spiffe://a,Hash=${hashOf(victim)};URI=b`],
    ["a Cert", `spiffe://a;Cert="${certOf(victim)}"`],
    ["a Hash and a Cert", `spiffe://a;Hash=${hashOf(victim)};Cert="${certOf(victim)}"`],
    ["a Hash in quotes", `spiffe://a;Hash="${hashOf(victim)}"`],
    ["a Hash in another letter case", `spiffe://a;hASH=${hashOf(victim)}`],
    ["a quote", `spiffe://a";Hash=${hashOf(victim)}`],
    ["a quote at the start", `";Hash=${hashOf(victim)}`],
    ["the SHA-256 of an empty input", `spiffe://a;Hash=${hexOfEmptyInput}`],
  ])("is rejected, not read as another certificate: %s", (_, uri) => {
    const value = `${element};URI=${uri}`;
    expect(read(`${element};URI=spiffe://example.org/a`)).toBe(uriinj.thumbprint);
    expect(read(value)).toBe(MALFORMED);
    expect(read(`${value};DNS=client.example.org`)).toBe(MALFORMED);
    expect(verdict(azureContainerApps(), ["x-forwarded-client-cert", value])).toBe(MALFORMED);
    // Behind a gateway, the value would have to contain two elements: one of the client and one of the gateway.
    const options = { elements: 2, index: 0, lastHopUri: gateway };
    expect(read(`${value},Hash=${hashOf(rsa2048)};URI=${gateway}`, options)).toBe(MALFORMED);
  });

  test("is read if the URI only resembles XFCC", () => {
    expect(read(`${element};URI=spiffe://example.org/Hash=${hashOf(victim)}`)).toBe(uriinj.thumbprint);
    expect(read(`${element};URI="spiffe://a"`)).toBe(uriinj.thumbprint);
  });

  const text = fc.oneof(
    fc.string({ maxLength: 60 }),
    fc
      .array(
        fc.constantFrom(";", ",", "Hash=", "Cert=", "URI=", "By=", '"', "\\", hashOf(victim), certOf(victim), "a"),
        {
          maxLength: 12,
        },
      )
      .map((parts) => parts.join("")),
  );

  fuzz.prop([fc.array(text, { maxLength: 3 }), fc.array(text, { maxLength: 3 }), text, fc.boolean()], {
    numRuns: 1_000,
  })("is never read as another certificate, whatever its names are", (uris, names, subject, withCert) => {
    const value = [
      "By=spiffe://example.org/server",
      `Hash=${hashOf(uriinj)}`,
      ...(withCert ? [`Cert="${certOf(uriinj)}"`] : []),
      `Subject="${subject.replaceAll(/["\\]/g, "\\$&")}"`,
      ...uris.map((uri) => `URI=${uri}`),
      ...names.map((name) => `DNS=${name}`),
    ].join(";");
    expect([uriinj.thumbprint, MALFORMED]).toContain(read(value));
    // As the client in front of a gateway, and as a workload that impersonates the gateway.
    const options = { elements: 2, index: 0, lastHopUri: gateway };
    const last = `Hash=${hashOf(rsa2048)};URI=${gateway}`;
    expect([uriinj.thumbprint, MALFORMED]).toContain(read(`${value},${last}`, options));
    expect([MALFORMED, UNTRUSTED]).toContain(read(`Hash=${hashOf(victim)},${value}`, options));
  });
});

describe("any value", () => {
  const anyText = fc.oneof(
    fc.string({ unit: "binary", maxLength: 100 }),
    fc
      .array(fc.constantFrom("Hash=", "Cert=", "URI=", ";", ",", '"', "\\", hashOf(ec256), certOf(ec256), gateway), {
        maxLength: 20,
      })
      .map((parts) => parts.join("")),
  );

  fuzz.prop(
    [anyText, fc.constantFrom<EnvoyOptions>({}, { elements: 2 }, { elements: 2, index: 0, lastHopUri: gateway })],
    {
      numRuns: 1_000,
    },
  )("is read, or rejected as malformed or untrusted without being quoted", (text, options) => {
    const format = envoy(options);
    try {
      expect([ec256.thumbprint, undefined]).toContain(format.decode(text)?.thumbprint);
    } catch (error) {
      if (!(error instanceof AccessTokenError)) throw error;
      expect([MALFORMED, ...(options.lastHopUri === undefined ? [] : [UNTRUSTED])]).toContain(error.code);
      if (text.trim().length > 8) expect(`${error.message} ${error.detail}`).not.toContain(text.trim());
    }
  });
});

describe("the options of envoy", () => {
  test.each<[string, object]>([
    ["elements", { elements: 0 }],
    ["elements", { elements: 17 }],
    ["elements", { elements: 1.5 }],
    ["elements", { elements: -1 }],
    ["elements", { elements: "2" }],
    ["elements", { elements: Number.NaN }],
    ["elements", { elements: true }],
    ["index", { index: -1 }],
    ["index", { index: 1 }],
    ["index", { elements: 2, index: 2 }],
    ["index", { elements: 2, index: 0.5 }],
    ["index", { elements: 2, index: "0" }],
    ["lastHopUri", { lastHopUri: "" }],
    ["lastHopUri", { lastHopUri: null }],
    ["lastHopUri", { lastHopUri: [gateway] }],
    ["lastHopURI", { lastHopURI: gateway }],
    ["element", { element: 2 }],
  ])("are rejected with an invalid or unknown %s: %o", (name, options) => {
    expect(() => envoy(options)).toThrow(TypeError);
    expect(() => envoy(options)).toThrow(`"${name}"`);
  });

  test.each<EnvoyOptions>([
    {},
    { elements: 1 },
    { elements: 16, index: 15 },
    { elements: 2, index: 0, lastHopUri: gateway },
  ])("can be %o", (options) => {
    expect(envoy(options).header).toBe("x-forwarded-client-cert");
  });
});
