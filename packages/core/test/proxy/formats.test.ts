import { fc, test as fuzz } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { AccessTokenError } from "../../src/errors.ts";
import type { ForwardedCertificateFormat } from "../../src/proxy/forwarded-format.ts";
import { apache } from "../../src/proxy/formats/apache.ts";
import { awsAlb, cloudFront } from "../../src/proxy/formats/aws.ts";
import { azureApplicationGateway } from "../../src/proxy/formats/azure.ts";
import { gcp } from "../../src/proxy/formats/gcp.ts";
import { haproxy, openShift } from "../../src/proxy/formats/haproxy.ts";
import { ingressNginx, nginx } from "../../src/proxy/formats/nginx.ts";
import { factories, type FormatName, formats } from "../support/formats.ts";
import { encoders, resolved, verdict } from "../support/forwarding.ts";
import { captured, certificates, documented, type Fixture, hopByHop } from "../vectors/proxies/fixtures.ts";

fc.configureGlobal({ seed: 9440 });

const MISSING = "ERR_CERTIFICATE_MISSING";
const MALFORMED = "ERR_CERTIFICATE_MALFORMED";
const UNTRUSTED = "ERR_CERTIFICATE_UNTRUSTED";

const everyFormat = Object.entries(formats) as readonly [FormatName, ForwardedCertificateFormat][];

/**
 * The formats that read the headers of each proxy: first its own format, then formats with the same header and encoding.
 *
 * The recorded proxies were configured to send several headers at once, one for each format.
 */
const readers: Readonly<Record<string, readonly FormatName[]>> = {
  // recorded
  nginx: ["nginx", "ingressNginx"],
  apache: ["apache", "rfc9440", "cloudflare rfc9440"],
  caddy: ["caddy", "caddy sha256-hex", "rfc9440", "cloudflare rfc9440"],
  haproxy: ["haproxy", "haproxy sha256-hex", "haproxy rfc9440", "openShift", "rfc9440", "cloudflare rfc9440"],
  "haproxy-rfc9440": ["rfc9440", "cloudflare rfc9440"],
  // documented
  rfc9440: ["rfc9440", "cloudflare rfc9440"],
  "rfc9440 chain": ["rfc9440", "cloudflare rfc9440"],
  "envoy XFCC cert": ["envoy", "azureContainerApps"],
  "istio sidecar XFCC (no Cert key)": ["envoy", "azureContainerApps"],
  "azure container apps": ["azureContainerApps", "envoy"],
  "cloudfoundry gorouter": ["cloudFoundry"],
  "traefik <=2.9.1 pem:true": ["traefik"],
  "traefik >=2.9.2 pem:true": ["traefik"],
  "traefik chain": ["traefik"],
  "aws alb verify": ["awsAlb"],
  "aws alb verify, = as %3D": ["awsAlb"],
  "aws alb passthrough chain": ["awsAlb passthrough"],
  "cloudfront viewer mTLS": ["cloudFront"],
  "gcp alb client_cert_leaf": ["gcp", "gcp sha256-base64", "a custom hash, by forwardedHeader"],
  // without the header that reports the verification of the chain
  "gcp fingerprint, padding stripped": ["a custom hash, by forwardedHeader"],
  "azure app service": ["azureAppService"],
  "azure app gateway": ["azureApplicationGateway"],
  "cloudflare forwarding": ["cloudflare", "cloudflare sha256-hex"],
  "openshift router": ["openShift", "haproxy"],
  "kong tls-metadata-headers": ["kong"],
  akamai: ["akamai, by forwardedHeader"],
};

/** Returns the result that a format must have for a fixture: only a header that the proxy did not send is missing. */
function expected(fixture: Fixture, name: FormatName): string {
  const names = fixture.rawHeaders.filter((_, index) => index % 2 === 0).map((header) => header.toLowerCase());
  return (names.includes(formats[name].header) && fixture.thumbprint) || MISSING;
}

const fixtures = [...captured, ...documented].map((fixture) => ({
  ...fixture,
  title: `${fixture.proxy}: ${fixture.cases?.join("; ") ?? fixture.source} (${fixture.thumbprint})`,
}));

describe("the headers of a proxy", () => {
  test.each(fixtures)("are read by the formats of the proxy only: $title", (fixture) => {
    const own: ReadonlySet<FormatName> = new Set(readers[fixture.proxy]);
    expect(own.size).toBeGreaterThan(0);
    const rejected: unknown = expect.stringMatching(/^ERR_CERTIFICATE_/);
    const verdicts = everyFormat.map(([name, format]) => [name, verdict(format, fixture.rawHeaders)]);
    const expectations = everyFormat.map(([name]) => [name, own.has(name) ? expected(fixture, name) : rejected]);
    expect(verdicts).toEqual(expectations);
  });

  test("are covered: every format reads a fixture, and every proxy has one", () => {
    const read = new Set(
      fixtures.filter(({ thumbprint }) => thumbprint !== null).flatMap(({ proxy }) => readers[proxy]),
    );
    const unread = everyFormat.map(([name]) => name).filter((name) => !read.has(name));
    // No recording contains the header of this format. The next test covers it.
    expect(unread).toEqual(["haproxy sha256-base64url"]);
    expect(new Set(fixtures.map(({ proxy }) => proxy))).toEqual(new Set(Object.keys(readers)));
  });

  test("can be the thumbprint, from HAProxy", () => {
    const rawHeaders = ["x-ssl-client-x5ts256", certificates.ec256.thumbprint, "x-ssl-client-verify", "0"];
    expect(verdict(haproxy({ encoding: "sha256-base64url" }), rawHeaders)).toBe(certificates.ec256.thumbprint);
  });

  test.each(captured.filter(({ proxy }) => proxy === "haproxy"))(
    "can be the value of the OpenShift template: $cases.0",
    ({ rawHeaders, thumbprint }) => {
      expect(verdict(openShift({ header: "X-OpenShift-DER" }), rawHeaders)).toBe(thumbprint ?? MISSING);
    },
  );

  test.each([
    ["quoted", `"${certificates.ec256.der}"`, certificates.ec256.thumbprint],
    ["quoted and empty", '""', MISSING],
    ["empty", "", MISSING],
    ["quoted at one end", `"${certificates.ec256.der}`, MALFORMED],
    ["quoted twice", `""${certificates.ec256.der}""`, MALFORMED],
    [
      "quoted except for its beginning",
      `${certificates.ec256.der.slice(0, 8)}"${certificates.ec256.der.slice(8)}"`,
      MALFORMED,
    ],
    [
      "quoted except for its end",
      `"${certificates.ec256.der.slice(0, 8)}"${certificates.ec256.der.slice(8)}`,
      MALFORMED,
    ],
    ["a quote", '"', MALFORMED],
  ])("can be quoted by an OpenShift router: %s", (_, value, outcome) => {
    expect(verdict(openShift(), ["X-SSL-Client-DER", value, "X-SSL-Client-Verify", "0"])).toBe(outcome);
  });
});

describe("a certificate header that a client sends", () => {
  const victim = Buffer.from(certificates.victim.der, "base64");

  /** Forged values for the headers in which the recorded client sent a marker. */
  const forgeries: Readonly<Record<string, string>> = {
    "x-ssl-client-cert": encoders["pem-spaces"](victim),
    "x-ssl-client-der": encoders["der-base64"](victim),
    "x-client-cert-der-base64": encoders["der-base64"](victim),
    "client-cert": encoders.rfc9440(victim),
    "client-cert-chain": encoders.rfc9440(victim),
  };

  const recordings = captured
    .filter(({ cases }) => cases?.some((name) => name.includes("spoof")))
    .map((recording) => ({ ...recording, title: `${recording.proxy}: ${recording.cases?.join("; ")}` }));

  test.each(recordings)("is not accepted: $title", ({ proxy, rawHeaders, thumbprint }) => {
    let planted = 0;
    const forged = rawHeaders.map((text, index) => {
      const forgery = forgeries[(rawHeaders[index - 1] ?? "").toLowerCase().replaceAll("_", "-")];
      if (index % 2 === 0 || !/^(?:SPOOFED|:U1BPT0ZFRA==:$)/.test(text)) return text;
      planted += 1;
      return forgery ?? text;
    });
    // A recording without a marker is from a proxy that removed or replaced the client's header.
    expect(planted).toBe(rawHeaders.filter((text) => /SPOOFED|U1BPT0ZFRA==/.test(text)).length);
    const own = readers[proxy]?.[0] as FormatName;
    const outcome = verdict(formats[own], forged);
    expect(outcome).not.toBe(certificates.victim.thumbprint);
    expect(outcome).toBe(expected({ proxy, rawHeaders, thumbprint }, own));
  });

  test("would be accepted under the exact name of the header: the forged values are valid", () => {
    for (const [header, value] of Object.entries(forgeries)) {
      const [, format] = everyFormat.find(([, candidate]) => candidate.header === header) ?? [];
      if (header === "client-cert-chain" || format === undefined) continue;
      const verified = [format.verify ?? []].flat().flatMap((rule) => [rule.header, String(rule.success)]);
      expect(verdict(format, [header, value, ...verified])).toBe(certificates.victim.thumbprint);
    }
  });

  test.each([
    ["HAProxy that sets the header conditionally and does not delete it", "rfc9440"],
    ["Caddy that adds to the header", "caddy"],
    ["nginx that forwards two headers", "nginx"],
  ] as const)("is not accepted next to the header of the proxy: %s", (_, name) => {
    const { header, verify }: ForwardedCertificateFormat = formats[name];
    const value = (certificate: { readonly der: string }) =>
      encoders[name === "rfc9440" ? "rfc9440" : name === "caddy" ? "der-base64" : "pem-urlencoded"](
        Buffer.from(certificate.der, "base64"),
      );
    const verified = verify === undefined ? [] : ["ssl-client-verify", "SUCCESS"];
    const [client, proxy] = [value(certificates.victim), value(certificates.ec256)];
    expect(verdict(formats[name], [header, proxy, ...verified])).toBe(certificates.ec256.thumbprint);
    expect(verdict(formats[name], [header, client, header, proxy, ...verified])).toBe(MALFORMED);
    expect(verdict(formats[name], [header, proxy, header.toUpperCase(), client, ...verified])).toBe(MALFORMED);
    expect(verdict(formats[name], [header, `${client}, ${proxy}`, ...verified])).toBe(MALFORMED);
  });
});

describe("a client that names the proxy's headers in Connection", () => {
  const verdicts: Readonly<Record<string, readonly (readonly [ForwardedCertificateFormat, string])[]>> = {
    "apache-optional-no-ca: close": [
      [apache(), UNTRUSTED],
      [apache({ verify: "presented" }), "the certificate"],
    ],
    // httpd deletes the verify header, which must not disable the check.
    "apache-optional-no-ca: close, X-SSL-Client-Verify": [
      [apache(), UNTRUSTED],
      [apache({ verify: "presented" }), UNTRUSTED],
    ],
    "apache-optional: close, X-SSL-Client-Cert, X-SSL-Client-Verify": [
      [apache(), MISSING],
      [apache({ verify: "presented" }), MISSING],
    ],
    "apache-required: close, Client-Cert": [
      [apache(), "the certificate"],
      [formats.rfc9440, MISSING],
    ],
    "nginx-optional-no-ca: close, ssl-client-verify": [
      [nginx(), UNTRUSTED],
      [nginx({ verify: "presented" }), "the certificate"],
    ],
    "haproxy-any-ca: close, X-SSL-Client-Verify": [
      [haproxy(), UNTRUSTED],
      [haproxy({ verify: "presented" }), "the certificate"],
      [haproxy({ encoding: "sha256-hex", verify: "presented", usedHeader: "x-ssl-client-used" }), "the certificate"],
      [openShift({ verify: "presented" }), "the certificate"],
    ],
    "caddy-request: close, X-Client-Cert-Sha256": [
      [formats["caddy sha256-hex"], "the certificate"],
      [formats.caddy, "the certificate"],
    ],
  };

  test.each(hopByHop)(
    "cannot bypass the verification: $proxy, $connection",
    ({ proxy, connection, thumbprint, rawHeaders }) => {
      const known = verdicts[`${proxy}: ${connection}`] ?? [];
      expect(known).not.toEqual([]);
      for (const [format, outcome] of known) {
        expect(verdict(format, rawHeaders)).toBe(outcome === "the certificate" ? thumbprint : outcome);
      }
    },
  );
});

type Verified = (options?: { readonly verify?: "presented" }) => ForwardedCertificateFormat;

const der = Buffer.from(certificates.ec256.der, "base64");
const escaped = encoders["pem-urlencoded"](der);

describe.each<[string, Verified, string, string, string, readonly string[], readonly string[]]>([
  [
    "nginx",
    nginx,
    escaped,
    "ssl-client-verify",
    "SUCCESS",
    ["FAILED:self-signed certificate", "FAILED:certificate has expired", "FAILED:"],
    [
      "NONE",
      "none",
      "success",
      "Success",
      "SUCCESS ",
      "SUCCESS, SUCCESS",
      "FAILED",
      "failed:x",
      "GENEROUS",
      "",
      "0",
      "1",
    ],
  ],
  [
    "ingressNginx",
    (options) => ingressNginx({ ...options, dangerouslyAssumeHeaderStripped: true }),
    escaped,
    "ssl-client-verify",
    "SUCCESS",
    ["FAILED:self-signed certificate"],
    ["NONE", "success", ""],
  ],
  [
    "azureApplicationGateway",
    azureApplicationGateway,
    escaped,
    "x-client-certificate-verification",
    "SUCCESS",
    ["FAILED:self-signed certificate"],
    ["NONE", "success", ""],
  ],
  [
    "apache",
    apache,
    encoders["pem-spaces"](der),
    "x-ssl-client-verify",
    "SUCCESS",
    ["GENEROUS", "FAILED:self-signed certificate"],
    ["NONE", "success", "generous", "(null)", "", "0"],
  ],
  [
    "haproxy",
    haproxy,
    certificates.ec256.der,
    "x-ssl-client-verify",
    "0",
    ["18", "10", "1"],
    ["", "00x", "-1", "+0", "0 ", "0, 18", "NONE", "SUCCESS", "true", "123456"],
  ],
  ["openShift", openShift, certificates.ec256.der, "x-ssl-client-verify", "0", ["18"], ["", "SUCCESS", "NONE"]],
  [
    "gcp",
    gcp,
    encoders.rfc9440(der),
    "x-client-cert-chain-verified",
    "true",
    ["false"],
    ["True", "TRUE", "1", "", "yes", "true, true", "false "],
  ],
])("%s", (_, create, value, verifyHeader, success, presentedOnly, rejected) => {
  const { header } = create();
  const { thumbprint } = certificates.ec256;

  test("reads a certificate that the proxy verified", () => {
    expect(verdict(create(), [header, value, verifyHeader, success])).toBe(thumbprint);
    expect(verdict(create({ verify: "presented" }), [header, value, verifyHeader, success])).toBe(thumbprint);
  });

  test.each(presentedOnly)(
    "reads a certificate with the verification result %s only with verify: presented",
    (result) => {
      expect(verdict(create(), [header, value, verifyHeader, result])).toBe(UNTRUSTED);
      expect(verdict(create({ verify: "presented" }), [header, value, verifyHeader, result])).toBe(thumbprint);
    },
  );

  test.each(rejected)("rejects a certificate with a verify header of %j", (result) => {
    expect(verdict(create(), [header, value, verifyHeader, result])).toBe(UNTRUSTED);
    expect(verdict(create({ verify: "presented" }), [header, value, verifyHeader, result])).toBe(UNTRUSTED);
  });

  test.each([
    ["is missing", []],
    ["occurs twice", [verifyHeader, success, verifyHeader, success]],
    ["occurs twice, in another letter case", [verifyHeader, success, verifyHeader.toUpperCase(), success]],
    ["has underscores", [verifyHeader.replaceAll("-", "_"), success]],
  ])("rejects a certificate if the verify header %s", (__, headers) => {
    expect(verdict(create(), [header, value, ...headers])).toBe(UNTRUSTED);
    expect(verdict(create({ verify: "presented" }), [header, value, ...headers])).toBe(UNTRUSTED);
  });

  test("reports a missing certificate, whatever the verify header contains", () => {
    for (const result of [success, ...presentedOnly, ...rejected]) {
      expect(verdict(create(), [header, "", verifyHeader, result])).toBe(MISSING);
      expect(verdict(create({ verify: "presented" }), [verifyHeader, result])).toBe(MISSING);
    }
  });
});

describe("cloudFront", () => {
  const hash = ["CloudFront-Viewer-Cert-Sha256", encoders["sha256-hex"](der)];

  test.each([
    ["1", certificates.ec256.thumbprint],
    ["0", UNTRUSTED],
    ["", UNTRUSTED],
    ["true", UNTRUSTED],
    ["1, 1", UNTRUSTED],
  ])("reads a certificate only if Present is 1: %j", (present, outcome) => {
    expect(verdict(cloudFront(), [...hash, "CloudFront-Viewer-Cert-Present", present])).toBe(outcome);
  });

  test("rejects a hash without Present", () => {
    expect(verdict(cloudFront(), hash)).toBe(UNTRUSTED);
  });
});

describe("haproxy with usedHeader", () => {
  const format = haproxy({ usedHeader: "X-SSL-Client-Used" });
  const headers = ["x-ssl-client-der", certificates.ec256.der, "x-ssl-client-verify", "0"];

  test.each([
    ["1", ["x-ssl-client-used", "1"], certificates.ec256.thumbprint],
    ["0", ["x-ssl-client-used", "0"], UNTRUSTED],
    ["no header", [], UNTRUSTED],
    ["1 twice", ["x-ssl-client-used", "1", "x-ssl-client-used", "1"], UNTRUSTED],
  ])("reads a certificate only if the header is 1: %s", (_, used, outcome) => {
    expect(verdict(format, [...headers, ...used])).toBe(outcome);
  });

  test("still requires the verify header", () => {
    expect(verdict(format, [...headers.slice(0, 2), "x-ssl-client-used", "1"])).toBe(UNTRUSTED);
  });

  test("reports a missing certificate although HAProxy reports success", () => {
    const none = ["x-ssl-client-der", "", "x-ssl-client-verify", "0", "x-ssl-client-used", "0"];
    expect(verdict(format, none)).toBe(MISSING);
    expect(verdict(haproxy({ verify: "presented" }), none)).toBe(MISSING);
  });
});

describe("a marker of a missing certificate", () => {
  test.each(everyFormat)("is recognised by every format: %s", (_, format) => {
    const verified = [format.verify ?? []].flat().flatMap(({ header }) => [header, "0"]);
    for (const value of ["", "::", "(null)", "{http.request.tls.client.fingerprint}", "{tls-client_cert:x}", "{}"]) {
      expect([value, verdict(format, [format.header, value, ...verified])]).toEqual([value, MISSING]);
    }
  });

  test("can be a placeholder of Caddy between colons", () => {
    const value = ":{http.request.tls.client.certificate_der_base64}:";
    expect(verdict(formats.rfc9440, ["Client-Cert", value])).toBe(MISSING);
  });
});

describe("any header value", () => {
  const { ec256 } = certificates;
  const parts = [
    ":",
    ",",
    ";",
    "%",
    "%0A",
    "%2B",
    "=",
    '"',
    "\\",
    "Hash=",
    "URI=",
    "MII",
    "a0",
    "{",
    ec256.der,
    escaped,
  ];
  const anyText = fc.oneof(
    fc.string({ unit: "binary", maxLength: 100 }),
    fc.array(fc.constantFrom(...parts), { maxLength: 20 }).map((texts) => texts.join("")),
  );

  fuzz.prop([anyText], { numRuns: 300 })(
    "is decoded to a certificate or to undefined, or rejected as malformed, by each format",
    (text) => {
      for (const [name, { decode }] of everyFormat) {
        try {
          expect([name, decode(text)?.thumbprint ?? ""]).toEqual([name, expect.stringMatching(/^(?:[\w-]{43})?$/)]);
        } catch (error) {
          if (!(error instanceof AccessTokenError)) throw error;
          expect([name, error.code]).toEqual([name, MALFORMED]);
        }
      }
    },
  );

  // Quadratic time would take minutes.
  test("of 64 KiB is rejected in linear time by each format", { timeout: 2_000 }, () => {
    for (const part of [
      ...parts.slice(0, 14),
      "%2B%2",
      ";by=",
      "M,",
      '"M',
      '\\"',
      "-----BEGIN CERTIFICATE-----",
      "%3D,",
    ]) {
      const text = part.repeat(Math.ceil(65_536 / part.length)).slice(0, 65_536);
      const verdicts = everyFormat.map(([, format]) => verdict(format, [format.header, text]));
      expect(verdicts.filter((outcome) => outcome !== MALFORMED)).toEqual([]);
    }
  });
});

describe("every format", () => {
  const renamed = ["X-Own-Cert", "Another_Header"];

  test.each(factories.filter(([name]) => name !== "kong" && name !== "ingressNginx"))(
    "reads a header with a configured name instead of the default: %s",
    (_, create) => {
      const standard = create();
      const sample = fixtures.find(
        ({ rawHeaders, thumbprint }) => thumbprint !== null && verdict(standard, rawHeaders) === thumbprint,
      );
      for (const header of renamed) {
        const format = create({ header } as never);
        const moved = sample?.rawHeaders.map((text) => (text.toLowerCase() === standard.header ? header : text)) ?? [];
        expect(verdict(format, moved)).toBe(sample?.thumbprint);
        expect(verdict(format, sample?.rawHeaders ?? [])).toBe(MISSING);
        expect(verdict(standard, moved)).toBe(MISSING);
      }
    },
  );

  test.each([
    ["nginx", nginx, "ssl-client-cert", escaped, "SUCCESS"],
    ["azureApplicationGateway", azureApplicationGateway, "x-client-certificate", escaped, "SUCCESS"],
    ["apache", apache, "x-ssl-client-cert", encoders["pem-spaces"](der), "SUCCESS"],
    ["haproxy", haproxy, "x-ssl-client-der", certificates.ec256.der, "0"],
    ["openShift", openShift, "x-ssl-client-der", certificates.ec256.der, "0"],
    ["gcp", gcp, "x-client-cert-leaf", encoders.rfc9440(der), "true"],
    ["cloudFront", cloudFront, "cloudfront-viewer-cert-sha256", encoders["sha256-hex"](der), "1"],
  ])("reads a verify header with a configured name instead of the default: %s", (_, create, header, value, success) => {
    const standard = [create().verify ?? []].flat().flatMap((rule) => [rule.header, success]);
    const format = create({ verifyHeader: "X-Own-Verify" });
    expect(verdict(format, [header, value, "x-own-verify", success])).toBe(certificates.ec256.thumbprint);
    expect(verdict(format, [header, value, ...standard])).toBe(UNTRUSTED);
  });

  test.each(factories)("names its header in lower case, and is frozen: %s", (name, create) => {
    const options = name === "kong" || name === "ingressNginx" ? { dangerouslyAssumeHeaderStripped: true } : {};
    const format = create(options as never);
    expect(format.header).toBe(format.header.toLowerCase());
    expect(Object.isFrozen(format)).toBe(true);
    expect(resolved(format, [])).toMatchObject({ code: MISSING, detail: expect.stringContaining(format.header) });
  });

  test.each(
    factories.flatMap(([name, create]) => [
      [name, "null", null, create] as const,
      [name, "a string", "x-header", create] as const,
      [name, "a number", 1, create] as const,
      [name, "true", true, create] as const,
      [name, "a list", [], create] as const,
      [name, "an unknown option", { color: "red" }, create] as const,
      [name, "a misspelled option", { Header: "x-client-cert" }, create] as const,
      [name, "a header that is empty", { header: "" }, create] as const,
      [name, "a header with a blank", { header: "client cert" }, create] as const,
      [name, "a header with a colon", { header: "client-cert:" }, create] as const,
      [name, "a header with a line feed", { header: "client-cert\n" }, create] as const,
      [name, "a header that is a list", { header: ["client-cert"] }, create] as const,
      [name, "a header that is null", { header: null }, create] as const,
    ]),
  )("throws a TypeError for invalid options: %s, %s", (_, __, options, create) => {
    expect(() => create(options as never)).toThrow(TypeError);
  });

  test.each(factories)("treats undefined as an omitted option: %s", (_, create) => {
    expect(create({ header: undefined } as never)).toMatchObject({ header: create().header });
  });

  test.each<[string, string, object]>([
    ["nginx", "verify", { verify: "none" }],
    ["nginx", "verify", { verify: false }],
    ["nginx", "verifyHeader", { verifyHeader: "" }],
    ["nginx", "encoding", { encoding: "pem-urlencoded" }],
    ["nginx", "dangerouslyAssumeHeaderStripped", { dangerouslyAssumeHeaderStripped: true }],
    ["ingressNginx", "verify", { verify: "SUCCESS" }],
    ["apache", "verifyHeader", { verifyHeader: 1 }],
    ["haproxy", "encoding", { encoding: "sha1-hex" }],
    ["haproxy", "encoding", { encoding: "toString" }],
    ["haproxy", "encoding", { encoding: ["rfc9440"] }],
    ["haproxy", "usedHeader", { usedHeader: "a b" }],
    ["openShift", "encoding", { encoding: "der-base64" }],
    ["caddy", "encoding", { encoding: "sha256-base64" }],
    ["caddy", "verify", { verify: "presented" }],
    ["cloudflare", "encoding", { encoding: "pem-urlencoded" }],
    ["gcp", "encoding", { encoding: "sha256-hex" }],
    ["gcp", "verify", { verify: "true" }],
    ["cloudFront", "verify", { verify: "presented" }],
    ["awsAlb", "mode", { mode: "passThrough" }],
    ["awsAlb", "mode", { mode: true }],
    ["azureContainerApps", "elements", { elements: 2 }],
    ["rfc9440", "verify", { verify: "presented" }],
    ["traefik", "encoding", { encoding: "der-base64" }],
    ["kong", "dangerouslyAssumeHeaderStripped", { dangerouslyAssumeHeaderStripped: false }],
    ["kong", "dangerouslyAssumeHeaderStripped", { dangerouslyAssumeHeaderStripped: "true" }],
    ["kong", "verifyHeader", { dangerouslyAssumeHeaderStripped: true, verifyHeader: "x" }],
    ["ingressNginx", "dangerouslyAssumeHeaderStripped", { dangerouslyAssumeHeaderStripped: false }],
    ["ingressNginx", "dangerouslyAssumeHeaderStripped", { dangerouslyAssumeHeaderStripped: 1 }],
  ])("throws a TypeError that names an invalid option: %s, %s", (name, option, options) => {
    const [, create] = factories.find(([candidate]) => candidate === name) ?? [];
    expect(() => create?.(options as never)).toThrow(TypeError);
    expect(() => create?.(options as never)).toThrow(`"${option}"`);
  });
});

test("awsAlb has the mode verify by default", () => {
  expect(awsAlb({ mode: "verify" })).toEqual(awsAlb());
  expect(awsAlb({ mode: "passthrough" })).not.toEqual(awsAlb());
});
