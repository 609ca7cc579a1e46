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

/** The formats of the core, under the names that the test kit has for them. */
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
const lenient = (["nginx", "apache", "haproxy", "gcp", "openShift", "azureApplicationGateway"] as const).map(
  (proxy) => ({ proxy, authenticator: authenticate(factories[proxy], { verify: "presented" }) }),
);

function authenticate(factory: Factory, options: object = {}) {
  const certificateResolver = fromProxy(factory(options as never), { trust: { secret } });
  return createAuthenticator({ ...kit.verifierOptions, certificateResolver })();
}

type Authenticate = ReturnType<typeof authenticate>;
let current: Authenticate | undefined;

/** Answers with the thumbprint of the token's certificate, or with the code of the rejection. */
const { url } = await kit.startServer(
  createServer((request, response) => {
    current?.(request).then(
      ({ clientCertificate }) => response.end(clientCertificate?.thumbprint),
      (error: unknown) => response.end(error instanceof AccessTokenError ? error.code : String(error)),
    );
  }),
);

/** Sends what a proxy would, and gives the answer. */
async function send(authenticator: Authenticate, forwarded: Record<string, string>, proof = secret.value) {
  current = authenticator;
  const headers = { ...forwarded, [secret.header]: proof, authorization: `Bearer ${token}` };
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
  const answer = (identity: typeof client | null, proof?: typeof secret.value) =>
    send(authenticator, forwardedHeaders(proxy, identity, options), proof);

  test("carry the certificate of the client", async () => {
    expect(await answer(client)).toBe(client.thumbprint);
  });

  test("carry the certificate of another client", async () => {
    expect(await answer(thief)).toBe("ERR_BINDING_MISMATCH");
  });

  test("carry none for a client without one", async () => {
    expect(await answer(null)).toBe("ERR_CERTIFICATE_MISSING");
  });

  test("do not count without the secret of the proxy", async () => {
    expect(await answer(client, randomUUID())).toBe("ERR_CERTIFICATE_UNTRUSTED");
  });
});

describe.each(lenient)("a certificate that $proxy did not verify", ({ proxy, authenticator }) => {
  const headers = forwardedHeaders(proxy, client, { verified: false });

  test("counts where presenting it is enough", async () => {
    expect(await send(authenticator, headers)).toBe(client.thumbprint);
  });

  test("does not count otherwise", async () => {
    const strict = authenticators[cases.findIndex((entry) => entry.proxy === proxy)] as Authenticate;
    expect(await send(strict, headers)).toBe("ERR_CERTIFICATE_UNTRUSTED");
  });
});
