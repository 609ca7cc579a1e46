import { X509Certificate } from "node:crypto";
import { describe, expect, test } from "vitest";
import { captured, certificates, documented, type Fixture } from "../../../core/test/vectors/proxies/fixtures.ts";
import { forwardedHeaders } from "../../src/proxies/forwarded-headers.ts";
import type { ForwardingProxy } from "../../src/proxies/forwarding-options.ts";
import { forwardingProxies } from "../../src/proxies/forwarding-proxies.ts";
import type { Identity } from "../../src/certificates/identity.ts";
import { createSelfSignedCertificate } from "../../src/certificates/certificate-authority.ts";

const { certificate: certificatePem } = await createSelfSignedCertificate();

type Call = readonly [proxy: ForwardingProxy, options?: object];

/** The calls of forwardedHeaders whose result is compared with the headers of each recorded or documented proxy. */
const calls: Readonly<Record<string, readonly Call[]>> = {
  nginx: [["nginx"], ["ingressNginx"]],
  apache: [["apache"]],
  // the recorded version is 2.6.2
  caddy: [
    ["caddy", { legacy: true }],
    ["caddy", { legacy: true, encoding: "sha256-hex" }],
  ],
  haproxy: [
    ["haproxy", { usedHeader: "x-ssl-client-used" }],
    ["haproxy", { encoding: "sha256-hex" }],
    ["haproxy", { encoding: "rfc9440" }],
    ["openShift", { header: "x-openshift-der" }],
  ],
  "haproxy-rfc9440": [["rfc9440"]],
  rfc9440: [["rfc9440"]],
  "azure container apps": [["azureContainerApps"]],
  "cloudfoundry gorouter": [["cloudFoundry"]],
  "traefik <=2.9.1 pem:true": [["traefik", { legacy: true }]],
  "traefik >=2.9.2 pem:true": [["traefik"]],
  "traefik chain": [["traefik"]],
  "aws alb passthrough chain": [["awsAlb", { mode: "passthrough" }]],
  "rfc9440 chain": [["rfc9440"]],
  "aws alb verify": [["awsAlb"], ["awsAlb", { mode: "passthrough", header: "x-amzn-mtls-clientcert-leaf" }]],
  "cloudfront viewer mTLS": [["cloudFront"]],
  "gcp alb client_cert_leaf": [["gcp"], ["gcp", { encoding: "sha256-base64" }]],
  "azure app service": [["azureAppService"]],
  "azure app gateway": [["azureApplicationGateway"]],
  "cloudflare forwarding": [["cloudflare"], ["cloudflare", { encoding: "sha256-hex" }]],
  "openshift router": [["openShift"]],
  "kong tls-metadata-headers": [["kong"]],
};

type Forwarded = Pick<Identity, "certificate" | "chain">;

function pemOf({ der }: { readonly der: string }): string {
  return new X509Certificate(Buffer.from(der, "base64")).toString();
}

const identities = new Map<string | null, Forwarded | null>([
  [null, null],
  ...Object.values(certificates).map((entry): [string, Forwarded] => [
    entry.thumbprint,
    { certificate: pemOf(entry), ...(entry === certificates.chain && { chain: pemOf(certificates.int) }) },
  ]),
]);

/** The fixtures of clients that did not send forged headers, with a certificate whose PEM is available. */
const comparisons = [...captured, ...documented]
  .filter(
    ({ thumbprint, cases = [""] }) => identities.has(thumbprint) && cases.some((name) => !/spoof|big20k/.test(name)),
  )
  .flatMap((fixture) =>
    (calls[fixture.proxy] ?? []).map((call) => ({
      fixture,
      call,
      title: `${fixture.proxy}: ${fixture.cases?.[0] ?? fixture.source}, as ${JSON.stringify(call)}`,
    })),
  );

function valueOf({ rawHeaders }: Fixture, name: string): string | undefined {
  const index = rawHeaders.findIndex((text, at) => at % 2 === 0 && text.toLowerCase() === name);
  return index < 0 ? undefined : rawHeaders[index + 1];
}

test.each(comparisons)("returns the exact headers of $title", ({ fixture, call: [proxy, options] }) => {
  const identity = identities.get(fixture.thumbprint) ?? null;
  const headers = forwardedHeaders(proxy, identity, options);
  // with a certificate, the result contains all headers, so the names show which are missing without one
  const names = Object.keys(forwardedHeaders(proxy, { certificate: certificatePem }, options));
  expect(names.map((name) => [name, headers[name]])).toEqual(names.map((name) => [name, valueOf(fixture, name)]));
});

test("compares every proxy except Envoy, and the recorded proxies also without a certificate", () => {
  const compared = new Set(comparisons.map(({ call }) => call[0]));
  expect(Object.keys(forwardingProxies).filter((proxy) => !compared.has(proxy as ForwardingProxy))).toEqual(["envoy"]);
  const without = comparisons.filter(({ fixture }) => fixture.thumbprint === null).map(({ call }) => call[0]);
  expect(new Set(without)).toEqual(
    new Set(["nginx", "ingressNginx", "apache", "caddy", "haproxy", "openShift", "rfc9440"]),
  );
});

describe("Envoy", () => {
  const examples = documented.filter(({ proxy }) => proxy === "envoy XFCC cert");

  test.each(examples)("sends the documented element, with the details cert and uri: $thumbprint", (fixture) => {
    const value = valueOf(fixture, "x-forwarded-client-cert") ?? "";
    const element = value.replaceAll(/^By=[^;]*;|;Subject="[^"]*"|;DNS=[^;]*/g, "");
    expect(element).toMatch(/^Hash=[^;]*;Cert="[^"]*";URI=[^;]*$/);
    const headers = forwardedHeaders("envoy", identities.get(fixture.thumbprint) ?? null);
    expect(headers).toEqual({ "x-forwarded-client-cert": element });
  });

  test("sends nothing without a certificate, even with via", async () => {
    const via = await createSelfSignedCertificate();
    expect(forwardedHeaders("envoy", null)).toEqual({});
    expect(forwardedHeaders("envoy", null, { via })).toEqual({});
  });
});

describe("forwardedHeaders", () => {
  const identity = { certificate: certificatePem };

  test.each<[ForwardingProxy, object, Record<string, string>]>([
    ["caddy", {}, { "x-client-cert-der-base64": "" }],
    [
      "caddy",
      { encoding: "sha256-hex" },
      { "x-client-cert-sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
    ],
    ["haproxy", { encoding: "sha256-base64url" }, { "x-ssl-client-x5ts256": "", "x-ssl-client-verify": "0" }],
    ["openShift", {}, { "x-ssl-client-der": "", "x-ssl-client-verify": "0" }],
    ["traefik", {}, {}],
    ["awsAlb", {}, {}],
    ["cloudFront", {}, { "cloudfront-viewer-cert-present": "0" }],
    ["gcp", {}, { "x-client-cert-leaf": "", "x-client-cert-chain-verified": "false" }],
    ["azureAppService", {}, {}],
    ["azureApplicationGateway", {}, { "x-client-certificate-verification": "NONE" }],
    ["azureContainerApps", {}, {}],
    ["cloudFoundry", {}, {}],
    ["cloudflare", {}, {}],
    ["cloudflare", { encoding: "rfc9440" }, { "client-cert": "" }],
    ["kong", {}, {}],
  ])("returns the headers of %s %j without a certificate", (proxy, options, headers) => {
    expect(forwardedHeaders(proxy, null, options)).toEqual(headers);
  });

  test.each<[ForwardingProxy, string, string]>([
    ["nginx", "ssl-client-verify", "FAILED:self-signed certificate"],
    ["apache", "x-ssl-client-verify", "FAILED:self-signed certificate"],
    ["haproxy", "x-ssl-client-verify", "18"],
    ["gcp", "x-client-cert-chain-verified", "false"],
  ])("returns the headers of %s for a certificate that failed verification", (proxy, name, value) => {
    const verified = forwardedHeaders(proxy, identity);
    expect(verified[name]).not.toBe(value);
    expect(forwardedHeaders(proxy, identity, { verified: false })).toEqual({ ...verified, [name]: value });
  });

  test("renames headers", () => {
    const [certificate, verificationResult] = Object.values(forwardedHeaders("haproxy", identity));
    const renamed = forwardedHeaders("haproxy", identity, { header: "X-A", verifyHeader: "X-B", usedHeader: "X-C" });
    expect(renamed).toEqual({ "X-A": certificate, "X-B": verificationResult, "X-C": "1" });
  });

  test.each<[string, unknown]>([
    ["undefined", undefined],
    ["an empty object", {}],
    ["a promise", Promise.resolve(identity)],
  ])("rejects %s as the identity", (_name, value) => {
    expect(() => forwardedHeaders("nginx", value as never)).toThrow(TypeError);
  });

  test.each<[string, object]>([
    ["iis", {}],
    ["toString", {}],
    ["nginx", { encoding: "rfc9440" }],
    ["nginx", { header: "a b" }],
    ["nginx", { verified: "no" }],
    ["kong", { verifyHeader: "x" }],
    ["cloudFront", { verified: false }],
    ["haproxy", { encoding: "pem" }],
    ["haproxy", { encoding: "toString" }],
    ["haproxy", { legacy: true }],
    ["caddy", { legacy: false }],
    ["awsAlb", { mode: "off" }],
    ["envoy", { via: {} }],
  ])("rejects the proxy %s with the options %j", (proxy, options) => {
    expect(() => forwardedHeaders(proxy as "nginx", identity, options)).toThrow(TypeError);
  });
});
