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
const [api, fastifyApi, usualApi] = await Promise.all([
  kit.startServer(expressServer),
  kit.startServer(fastifyApp.server),
  kit.startServer(createServer((_request, response) => response.writeHead(404).end())),
]);

describe("the API behind nginx", () => {
  const status = async (identity: Identity | null, proof: Record<string, string> = { "x-proxy-secret": secret }) => {
    const headers = { ...forwardedHeaders("nginx", identity), ...proof, authorization: `Bearer ${token}` };
    return (await fetch(`${api.url}/accounts`, { headers })).status;
  };

  test("lets the client with the certificate of its token pass", async () => {
    expect(await status(client)).toBe(200);
  });

  test("rejects another client, one without a certificate, and what did not come through nginx", async () => {
    expect(await status(thief)).toBe(401);
    expect(await status(null)).toBe(401);
    expect(await status(client, {})).toBe(401);
    expect(await status(client, { "x-proxy-secret": randomUUID() })).toBe(401);
  });
});

test("a large certificate arrives where the limit was raised, in Express and in Fastify", async () => {
  const names = Array.from({ length: 300 }, (_, index) => `URI:spiffe://example.com/a/service/number/${index}`);
  const headers = forwardedHeaders("nginx", await kit.issueClientCertificate({ subjectAlternativeNames: names }));
  const status = async ({ url }: RunningServer) => (await fetch(`${url}/no-path-of-these-servers`, { headers })).status;
  expect(await status(api)).toBe(404);
  expect(await status(fastifyApi)).toBe(404);
  expect(await status(usualApi)).toBe(431);
});

/** What a proxy sends for a client, and from where. */
interface Forwarding {
  readonly headers: Readonly<Record<string, string>>;
  /** Of a proxy that can set no secret. */
  readonly from?: string;
}

const forwardings: { readonly [Proxy in keyof typeof options]: Forwarding } = {
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

/** Gives the thumbprint that the resolver for a proxy finds in a request, or the code of its rejection. */
function found(proxy: keyof typeof options, headers: Forwarding["headers"], remoteAddress = "192.0.2.1"): string {
  const request: NodeRequest = { rawHeaders: Object.entries(headers).flat(), socket: { remoteAddress } };
  const certificate = options[proxy].certificateResolver(request);
  return certificate instanceof AccessTokenError ? certificate.code : certificate.thumbprint;
}

const proxies = Object.keys(forwardings) as (keyof typeof options)[];

test.each(proxies)("the resolver for %s finds the certificate, in what the proxy sent only", (proxy) => {
  const { headers, from } = forwardings[proxy];
  const proof = from === undefined ? { "x-proxy-secret": secret } : {};
  expect(found(proxy, { ...headers, ...proof }, from)).toBe(client.thumbprint);
  expect(found(proxy, headers)).toBe("ERR_CERTIFICATE_UNTRUSTED");
});

test("the resolver for a header of Envoy's finds no certificate in the hyphen that it sends for none", () => {
  expect(found("envoyHeader", { "x-client-cert": "-", "x-proxy-secret": secret })).toBe("ERR_CERTIFICATE_MALFORMED");
});

test("the resolver for Istio believes the gateway only", () => {
  const headers = forwardedHeaders("envoy", client, { via: otherWorkload });
  expect(found("istio", { ...headers, "x-proxy-secret": secret })).toBe("ERR_CERTIFICATE_UNTRUSTED");
});

describe("behind AWS API Gateway", () => {
  const { clientOf } = gatewayApi;
  const presented = ({ certificate }: Identity) => ({ clientCert: { clientCertPem: certificate } });

  test.each<[string, (identity: Identity) => GatewayEvent["requestContext"]]>([
    ["an HTTP API", (identity) => ({ authentication: presented(identity) })],
    ["a REST API", (identity) => ({ identity: presented(identity) })],
  ])("the certificate is in the event of %s", async (_api, contextOf) => {
    expect(await clientOf({ requestContext: contextOf(client) }, token)).toBe("client-1");
    await expect(clientOf({ requestContext: contextOf(thief) }, token)).rejects.toMatchObject({
      code: "ERR_BINDING_MISMATCH",
    });
  });

  test.each<GatewayEvent["requestContext"]>([
    { authentication: null, identity: {} },
    { identity: { clientCert: null } },
  ])("there is none in %j", async (requestContext) => {
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

  test("the client is known by the fingerprint of its certificate", async () => {
    expect(await clientOf({ cf: { tlsClientAuth: verified } }, token)).toBe("client-1");
  });

  test.each([
    ["that is another one", { certFingerprintSHA256: hex(thief) }, "ERR_BINDING_MISMATCH"],
    ["that was not presented", { certPresented: "0" }, "ERR_CERTIFICATE_MISSING"],
    ["that was not verified", { certVerified: "FAILED:self signed certificate" }, "ERR_CERTIFICATE_MISSING"],
    ["that was revoked", { certRevoked: "1" }, "ERR_CERTIFICATE_MISSING"],
  ])("but not by one %s", async (_case, changed, code) => {
    const request = { cf: { tlsClientAuth: { ...verified, ...changed } } };
    await expect(clientOf(request, token)).rejects.toMatchObject({ code });
  });
});
