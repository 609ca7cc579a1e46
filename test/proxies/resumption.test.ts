import { apache, caddy, type ForwardedCertificateFormat, haproxy, nginx } from "@certbound/core";
import { createIssuer } from "@certbound/testing";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { describeWithProgram, isInstalled } from "../helpers/program.ts";
import { startApi } from "./api.ts";
import { type Attempt, type Parties, sendThroughProxy } from "./attempt.ts";
import { type Front, secret, secretAndAddress } from "./front.ts";
import { expectAccepted, expectNotAccepted, expectRejected, type Outcome } from "./outcome.ts";
import { createPki } from "./pki.ts";
import { binaryOf, type ProxyName } from "./proxies.ts";
import { withResumption } from "./resumption.ts";
import { type RunningProxy, startOnFreePorts } from "./stage.ts";

/** A configuration of a proxy, in front of an API that accepts only verified certificates. */
interface Site {
  readonly proxy: ProxyName;
  readonly configuration: string;
  /** An edit of the documented configuration. */
  readonly change?: { readonly name: string; readonly edit: (text: string) => string };
  readonly format: ForwardedCertificateFormat;
  /** The listeners that the client connects to. */
  readonly listeners: readonly Front["listener"][];
  readonly resumes: boolean;
}

/** Two connections of a client whose certificate expires in between. The second offers the session of the first. */
interface Visit {
  readonly site: Site;
  readonly listener: Front["listener"];
  readonly tlsVersion: "TLSv1.2" | "TLSv1.3";
  readonly first: Outcome;
  readonly second: Outcome;
}

/** Enough for the first connections on a busy machine. */
const VALIDITY_MS = 6_000;
const client = "ec";
const tlsVersions = ["TLSv1.2", "TLSv1.3"] as const;

const resuming = { name: "with resumption", edit: withResumption };
const afterSessionCache = {
  name: "after the SSLSessionCache of Debian's ssl.conf",
  edit: (text: string) =>
    "LoadModule socache_shmcb_module /usr/lib/apache2/modules/mod_socache_shmcb.so\n" +
    `SSLSessionCache shmcb:sessions(512000)\n${text}`,
};
const verified = ["VERIFIED_PORT"] as const;
const nginxSite = { proxy: "nginx", configuration: "nginx.conf", format: nginx(), listeners: verified } as const;
const haproxySite = {
  proxy: "HAProxy",
  configuration: "haproxy.cfg",
  format: haproxy({ usedHeader: "x-ssl-client-used" }),
  listeners: ["VERIFIED_PORT", "ANY_PORT"],
} as const;
const apacheSite = {
  proxy: "Apache httpd",
  configuration: "apache.conf",
  format: apache(),
  listeners: verified,
} as const;
const caddySite = { proxy: "Caddy", configuration: "Caddyfile", format: caddy(), listeners: verified } as const;

const sites: readonly Site[] = [
  { ...nginxSite, resumes: false },
  { ...nginxSite, change: resuming, resumes: true },
  { ...haproxySite, resumes: false },
  { ...haproxySite, change: resuming, resumes: true },
  { ...apacheSite, resumes: false },
  { ...apacheSite, change: resuming, resumes: true },
  { ...apacheSite, change: afterSessionCache, resumes: true },
  // Caddy resumes sessions, but not with an expired certificate.
  { ...caddySite, resumes: false },
];

const cleanups: (() => unknown)[] = [];
let visits: readonly Visit[] = [];

beforeAll(async () => {
  const installed = sites.filter(({ proxy }) => isInstalled(binaryOf(proxy)));
  visits = installed.length === 0 ? [] : await visitAll(installed);
}, 60_000);
afterAll(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

for (const site of sites) {
  const { proxy, configuration, change, resumes } = site;
  const name = [`${proxy}, ${configuration}`, ...(change === undefined ? [] : [change.name])].join(", ");

  describeWithProgram(binaryOf(proxy), name, () => {
    const cases = site.listeners.flatMap((listener) =>
      tlsVersions.map((tlsVersion) => [listener, tlsVersion] as const),
    );

    test.each(cases)(
      "resumes a session with an expired certificate only if the documentation says so: %s, %s",
      (listener, tlsVersion) => {
        const visit = visits.find(
          (candidate) =>
            candidate.site === site && candidate.listener === listener && candidate.tlsVersion === tlsVersion,
        );
        if (visit === undefined) throw new Error("the client did not connect");
        expectAccepted(visit.first, client);
        // Undefined if the handshake failed.
        expect(visit.second.resumed ?? false).toBe(resumes);
        if (resumes) expectAccepted(visit.second, client);
        else expectExpired(site, listener, visit.second);
      },
    );
  });
}

/** HAProxy forwards an expired certificate if it accepts any; other proxies fail the handshake or respond with 400. */
function expectExpired({ proxy }: Site, listener: Front["listener"], outcome: Outcome): void {
  if (proxy === "HAProxy" && listener === "ANY_PORT") return expectRejected(outcome, "ERR_CERTIFICATE_UNTRUSTED");
  const { status, body, code } = outcome;
  expect({ status, code }).toEqual({ status: proxy === "nginx" ? 400 : 0, code: undefined });
  expect(body).not.toContain("client");
}

/** Connects to all sites with a certificate that expires soon, and again after it has expired. */
async function visitAll(installed: readonly Site[]): Promise<readonly Visit[]> {
  const issuer = await createIssuer();
  cleanups.push(issuer.close);
  const forwardings = Object.fromEntries(
    installed.map(({ format }, index) => [String(index), { format, trust: secretAndAddress() }]),
  );
  const api = await startApi({ issuer, forwardings });
  cleanups.push(api.close);
  const listeners = [];
  for (const [index, site] of installed.entries()) {
    const ports = await startSite(site, new URL(api.url).port);
    for (const listener of site.listeners) {
      listeners.push({ site, listener, url: `https://localhost:${ports[listener]}/Express/${index}` });
    }
  }

  const pki = await createPki();
  cleanups.push(pki.remove);
  const expiring = await pki.authority.issueClientCertificate({ notAfter: new Date(Date.now() + VALIDITY_MS) });
  const parties: Parties = { issuer, pki: { ...pki, clients: { ...pki.clients, [client]: expiring } } };
  const connect = async (url: string, tls: Pick<Attempt, "tlsVersion" | "session">): Promise<Outcome> => {
    api.clearRejection();
    const response = await sendThroughProxy(url, { client, token: client, ...tls }, parties);
    return { ...response, code: api.lastRejection()?.code };
  };

  const firstVisits = [];
  for (const { url, ...location } of listeners) {
    for (const tlsVersion of tlsVersions) {
      firstVisits.push({ ...location, url, tlsVersion, first: await connect(url, { tlsVersion }) });
    }
  }
  const anyUrl = firstVisits[0]?.url ?? "";
  await vi.waitFor(async () => expectNotAccepted(await connect(anyUrl, {})), { timeout: 20_000, interval: 100 });
  const all = [];
  for (const { url, ...visit } of firstVisits) {
    const { tlsVersion, first } = visit;
    all.push({ ...visit, second: await connect(url, { tlsVersion, session: first.session }) });
  }
  return all;
}

/** Starts a proxy, and returns the ports of its listeners. */
async function startSite(
  { proxy, configuration, change, listeners }: Site,
  apiPort: string,
): Promise<RunningProxy["ports"]> {
  const { folder, remove } = await createPki();
  cleanups.push(remove);
  const values = { API_PORT: apiPort, PKI: folder, SECRET: secret.value };
  const fronts = listeners.map((listener) => ({ listener }));
  const options = { proxy, configuration, fronts, ...(change && { edit: change.edit }) };
  const running = await startOnFreePorts(options, { folder, values });
  cleanups.push(running.proxy.stop);
  return running.ports;
}
