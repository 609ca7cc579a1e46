import { AccessTokenError, type NodeRequest } from "@certbound/core";
import { createTestKit, forwardedHeaders, type Identity, type RunningServer } from "@certbound/testing";
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { afterAll, describe, expect, test, vi } from "vitest";
import type { GatewayEvent } from "./aws-api-gateway.ts";

const kit = await createTestKit();
const secret = randomUUID();
vi.stubEnv("ISSUER", kit.issuer.issuer);
vi.stubEnv("PROXY_SECRET", secret);
afterAll(async () => {
  vi.unstubAllEnvs();
  await kit.close();
});

const gateway = (account: string) =>
  kit.issueClientCertificate({ subjectAlternativeNames: [`URI:spiffe://cluster.local/ns/istio-system/sa/${account}`] });
const [client, thief, istioGateway, otherWorkload] = await Promise.all([
  kit.issueClientCertificate(),
  kit.issueClientCertificate(),
  gateway("istio-ingressgateway-service-account"),
  gateway("another-workload"),
]);
const token = await kit.accessToken({ boundTo: client });

const { expressServer, fastifyApp } = await import("./behind-a-proxy.ts");
const { options } = await import("./proxy-formats.ts");
const gatewayApi = await import("./aws-api-gateway.ts");
const worker = await import("./cloudflare-worker.ts");

await fastifyApp.ready();
const [api, fastifyApi, defaultApi] = await Promise.all([
  kit.startServer(expressServer),
  kit.startServer(fastifyApp.server),
  kit.startServer(createServer((_request, response) => response.writeHead(404).end())),
]);

describe("the API behind nginx", () => {
  const status = async (identity: Identity | null, proof: Record<string, string> = { "x-proxy-secret": secret }) => {
    const headers = { ...forwardedHeaders("nginx", identity), ...proof, authorization: `Bearer ${token}` };
    return (await fetch(`${api.url}/accounts`, { headers })).status;
  };

  test("accepts the client whose certificate the token is bound to", async () => {
    expect(await status(client)).toBe(200);
  });

  test("rejects another client, a client without a certificate, and a request that bypassed nginx", async () => {
    expect(await status(thief)).toBe(401);
    expect(await status(null)).toBe(401);
    expect(await status(client, {})).toBe(401);
    expect(await status(client, { "x-proxy-secret": randomUUID() })).toBe(401);
  });
});

test("a raised header limit accepts a large certificate, on Express and on Fastify", async () => {
  const names = Array.from({ length: 300 }, (_, index) => `URI:spiffe://example.com/a/service/number/${index}`);
  const headers = forwardedHeaders("nginx", await kit.issueClientCertificate({ subjectAlternativeNames: names }));
  const status = async ({ url }: RunningServer) => (await fetch(`${url}/unknown-path`, { headers })).status;
  expect(await status(api)).toBe(404);
  expect(await status(fastifyApi)).toBe(404);
  expect(await status(defaultApi)).toBe(431);
});

/** The headers that a proxy sends for a client, and its address. */
interface ForwardedRequest {
  readonly headers: Readonly<Record<string, string>>;
  /** The address of a proxy that cannot send a secret. */
  readonly from?: string;
}

const forwardedRequests: { readonly [Proxy in keyof typeof options]: ForwardedRequest } = {
  rfc9440: { headers: forwardedHeaders("rfc9440", client) },
  nginx: { headers: forwardedHeaders("nginx", client) },
  haproxy: { headers: forwardedHeaders("haproxy", client, { usedHeader: "x-ssl-client-used" }) },
  apache: { headers: forwardedHeaders("apache", client) },
  caddy: { headers: forwardedHeaders("caddy", client) },
  ingressNginx: { headers: forwardedHeaders("ingressNginx", client) },
  envoy: { headers: forwardedHeaders("envoy", client) },
  istio: { headers: forwardedHeaders("envoy", client, { via: istioGateway }) },
  envoyHeader: { headers: { "x-client-cert": encodeURIComponent(client.certificate) } },
  traefik: { headers: forwardedHeaders("traefik", client) },
  kong: { headers: forwardedHeaders("kong", client) },
  openShift: { headers: forwardedHeaders("openShift", client) },
  awsAlb: { headers: forwardedHeaders("awsAlb", client), from: "10.0.2.7" },
  cloudFront: { headers: forwardedHeaders("cloudFront", client) },
  gcp: { headers: forwardedHeaders("gcp", client) },
  gcpHash: { headers: forwardedHeaders("gcp", client, { encoding: "sha256-base64" }) },
  azureAppService: { headers: forwardedHeaders("azureAppService", client), from: "10.0.3.7" },
  azureApplicationGateway: { headers: forwardedHeaders("azureApplicationGateway", client) },
  azureContainerApps: { headers: forwardedHeaders("azureContainerApps", client), from: "10.0.4.7" },
  cloudFoundry: { headers: forwardedHeaders("cloudFoundry", client), from: "10.0.5.7" },
  cloudflare: { headers: forwardedHeaders("cloudflare", client, { encoding: "rfc9440" }) },
  other: { headers: forwardedHeaders("nginx", client, { header: "x-client-cert", verifyHeader: "x-client-verify" }) },
  akamai: { headers: forwardedHeaders("rfc9440", client, { header: "akamai-cc-der" }) },
  fastly: { headers: { "x-client-cert": Buffer.from(client.certificate).toString("base64") } },
  bigIp: {
    headers: forwardedHeaders("openShift", client, { header: "x-client-cert-der", verifyHeader: "x-client-verify" }),
  },
};

/** Returns the thumbprint that the resolver reads from a request, or the code of the rejection. */
function resolve(
  proxy: keyof typeof options,
  headers: ForwardedRequest["headers"],
  remoteAddress = "192.0.2.1",
): string {
  const request: NodeRequest = { rawHeaders: Object.entries(headers).flat(), socket: { remoteAddress } };
  const certificate = options[proxy].certificateResolver(request);
  return certificate instanceof AccessTokenError ? certificate.code : certificate.thumbprint;
}

const proxies = Object.keys(forwardedRequests) as (keyof typeof options)[];

test.each(proxies)("the resolver for %s reads the certificate only from requests of the proxy", (proxy) => {
  const { headers, from } = forwardedRequests[proxy];
  const proof = from === undefined ? { "x-proxy-secret": secret } : {};
  expect(resolve(proxy, { ...headers, ...proof }, from)).toBe(client.thumbprint);
  expect(resolve(proxy, headers)).toBe("ERR_CERTIFICATE_UNTRUSTED");
});

test("the resolver for a custom Envoy header rejects the hyphen that Envoy sends without a certificate", () => {
  expect(resolve("envoyHeader", { "x-client-cert": "-", "x-proxy-secret": secret })).toBe("ERR_CERTIFICATE_MALFORMED");
});

test("the resolver for Istio trusts only the gateway", () => {
  const headers = forwardedHeaders("envoy", client, { via: otherWorkload });
  expect(resolve("istio", { ...headers, "x-proxy-secret": secret })).toBe("ERR_CERTIFICATE_UNTRUSTED");
});

describe("behind AWS API Gateway", () => {
  const { clientOf } = gatewayApi;
  const withCertificate = ({ certificate }: Identity) => ({ clientCert: { clientCertPem: certificate } });

  test.each<[string, (identity: Identity) => GatewayEvent["requestContext"]]>([
    ["an HTTP API", (identity) => ({ authentication: withCertificate(identity) })],
    ["a REST API", (identity) => ({ identity: withCertificate(identity) })],
  ])("the certificate is read from the event of %s", async (_api, contextOf) => {
    expect(await clientOf({ requestContext: contextOf(client) }, token)).toBe("client-1");
    await expect(clientOf({ requestContext: contextOf(thief) }, token)).rejects.toMatchObject({
      code: "ERR_BINDING_MISMATCH",
    });
  });

  test.each<GatewayEvent["requestContext"]>([
    { authentication: null, identity: {} },
    { identity: { clientCert: null } },
  ])("a request without a certificate is rejected: %j", async (requestContext) => {
    await expect(clientOf({ requestContext }, token)).rejects.toMatchObject({ code: "ERR_CERTIFICATE_MISSING" });
  });
});

describe("in a Cloudflare Worker", () => {
  const { clientOf } = worker;
  const hex = ({ thumbprint }: Identity) => Buffer.from(thumbprint, "base64url").toString("hex");
  const verified = {
    certPresented: "1",
    certVerified: "SUCCESS",
    certRevoked: "0",
    certFingerprintSHA256: hex(client),
  };

  test("the fingerprint identifies the client's certificate", async () => {
    expect(await clientOf({ cf: { tlsClientAuth: verified } }, token)).toBe("client-1");
  });

  test.each([
    ["of another client", { certFingerprintSHA256: hex(thief) }, "ERR_BINDING_MISMATCH"],
    ["that was not presented", { certPresented: "0" }, "ERR_CERTIFICATE_MISSING"],
    ["that was not verified", { certVerified: "FAILED:self signed certificate" }, "ERR_CERTIFICATE_MISSING"],
    ["that was revoked", { certRevoked: "1" }, "ERR_CERTIFICATE_MISSING"],
  ])("a certificate %s is rejected", async (_case, changed, code) => {
    const request = { cf: { tlsClientAuth: { ...verified, ...changed } } };
    await expect(clientOf(request, token)).rejects.toMatchObject({ code });
  });
});
