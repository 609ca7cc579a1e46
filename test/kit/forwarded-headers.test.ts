import {
  AccessTokenError,
  apache,
  awsAlb,
  azureAppService,
  azureApplicationGateway,
  azureContainerApps,
  caddy,
  cloudFoundry,
  cloudflare,
  cloudFront,
  createAuthenticator,
  envoy,
  type ForwardedCertificateFormat,
  fromProxy,
  gcp,
  haproxy,
  ingressNginx,
  kong,
  nginx,
  openShift,
  rfc9440,
  traefik,
} from "@certbound/core";
import { createTestKit, forwardedHeaders, type ForwardingProxy } from "@certbound/testing";
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { afterAll, describe, expect, test } from "vitest";

type Factory = (options?: never) => ForwardedCertificateFormat;

/** The formats of the core, by their names in the test kit. */
const factories = {
  rfc9440,
  nginx,
  ingressNginx,
  haproxy,
  apache,
  caddy,
  envoy,
  cloudFoundry,
  traefik,
  awsAlb,
  cloudFront,
  gcp,
  azureAppService,
  azureApplicationGateway,
  azureContainerApps,
  cloudflare,
  kong,
  openShift,
} satisfies Readonly<Record<ForwardingProxy, Factory>>;

const gatewayUri = "spiffe://mesh.example/gateway";
const kit = await createTestKit();
afterAll(kit.close);
const [client, thief, gateway] = await Promise.all([
  kit.issueClientCertificate({ subjectAlternativeNames: ["URI:spiffe://mesh.example/client"] }),
  kit.issueClientCertificate(),
  kit.issueClientCertificate({ subjectAlternativeNames: [`URI:${gatewayUri}`] }),
]);
const token = await kit.accessToken({ boundTo: client });
const secret = { header: "x-proxy-secret", value: randomUUID() };

interface Case {
  readonly proxy: ForwardingProxy;
  readonly format?: object;
  readonly kit?: object;
}

const renamed = { header: "X-Renamed", verifyHeader: "X-Renamed-Verify" };
const hops = { elements: 2, index: 0, lastHopUri: gatewayUri };

const cases: readonly Case[] = [
  ...Object.keys(factories).map((proxy) => ({ proxy: proxy as ForwardingProxy })),
  ...["rfc9440", "sha256-hex", "sha256-base64url"].map((encoding) => same("haproxy", { encoding })),
  same("haproxy", { usedHeader: "X-Used" }),
  same("caddy", { encoding: "sha256-hex" }),
  { proxy: "caddy", kit: { legacy: true } },
  { proxy: "caddy", format: { encoding: "sha256-hex" }, kit: { encoding: "sha256-hex", legacy: true } },
  { proxy: "traefik", kit: { legacy: true } },
  same("awsAlb", { mode: "passthrough" }),
  same("gcp", { encoding: "sha256-base64" }),
  ...["sha256-hex", "rfc9440"].map((encoding) => same("cloudflare", { encoding })),
  { proxy: "envoy", format: hops, kit: { via: gateway } },
  same("nginx", renamed),
  same("gcp", renamed),
  same("kong", { header: "X-Renamed" }),
];

function same(proxy: ForwardingProxy, options: object): Case {
  return { proxy, format: options, kit: options };
}

const authenticators = cases.map(({ proxy, format }) => authenticate(factories[proxy], format));
const withoutVerification = (
  ["nginx", "apache", "haproxy", "gcp", "openShift", "azureApplicationGateway"] as const
).map((proxy) => ({ proxy, authenticator: authenticate(factories[proxy], { verify: "presented" }) }));

function authenticate(factory: Factory, options: object = {}) {
  const certificateResolver = fromProxy(factory(options as never), { trust: { secret } });
  return createAuthenticator({ ...kit.verifierOptions, certificateResolver })();
}

type Authenticate = ReturnType<typeof authenticate>;
let current: Authenticate | undefined;

/** Responds with the thumbprint of the client certificate, or with the error code. */
const { url } = await kit.startServer(
  createServer((request, response) => {
    current?.(request).then(
      ({ clientCertificate }) => response.end(clientCertificate?.thumbprint),
      (error: unknown) => response.end(error instanceof AccessTokenError ? error.code : String(error)),
    );
  }),
);

/** Sends a request with the headers and the secret of a proxy, and returns the response body. */
async function send(authenticator: Authenticate, forwarded: Record<string, string>, sentSecret = secret.value) {
  current = authenticator;
  const headers = { ...forwarded, [secret.header]: sentSecret, authorization: `Bearer ${token}` };
  return (await fetch(url, { headers })).text();
}

describe.each(
  cases.map((entry, index) => ({
    ...entry,
    index,
    title: JSON.stringify({ ...entry.format, ...entry.kit, via: undefined }),
  })),
)("the headers of $proxy $title", ({ proxy, kit: options, index }) => {
  const authenticator = authenticators[index] as Authenticate;
  const sendFor = (identity: typeof client | null, sentSecret?: typeof secret.value) =>
    send(authenticator, forwardedHeaders(proxy, identity, options), sentSecret);

  test("contain the certificate of the client", async () => {
    expect(await sendFor(client)).toBe(client.thumbprint);
  });

  test("contain the certificate of another client", async () => {
    expect(await sendFor(thief)).toBe("ERR_BINDING_MISMATCH");
  });

  test("contain no certificate for a client without one", async () => {
    expect(await sendFor(null)).toBe("ERR_CERTIFICATE_MISSING");
  });

  test("are rejected without the secret of the proxy", async () => {
    expect(await sendFor(client, randomUUID())).toBe("ERR_CERTIFICATE_UNTRUSTED");
  });
});

describe.each(withoutVerification)("a certificate that $proxy did not verify", ({ proxy, authenticator }) => {
  const headers = forwardedHeaders(proxy, client, { verified: false });

  test('is accepted with verify: "presented"', async () => {
    expect(await send(authenticator, headers)).toBe(client.thumbprint);
  });

  test("is rejected by default", async () => {
    const strict = authenticators[cases.findIndex((entry) => entry.proxy === proxy)] as Authenticate;
    expect(await send(strict, headers)).toBe("ERR_CERTIFICATE_UNTRUSTED");
  });
});
