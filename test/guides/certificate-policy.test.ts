import { X509Certificate } from "node:crypto";
import type { Server } from "node:https";
import { certificateThumbprint } from "@certbound/core";
import {
  createCertificateAuthority,
  createIssuer,
  createSelfSignedCertificate,
  type Identity,
  mtlsRequest,
  type RunningServer,
} from "@certbound/testing";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { listening, setEnvironment, startWith } from "./environment.ts";
import { unrevoked } from "./certificate-policy-custom.ts";

// The guide does not set a clock, so it and the issuer use the clock of this machine.
const [ca, otherCa, issuer] = await Promise.all([
  createCertificateAuthority(),
  createCertificateAuthority(),
  createIssuer(),
]);
const named = { subjectAlternativeNames: ["URI:spiffe://acme.example/payments"] };
const yesterday = new Date(Date.now() - 24 * 60 * 60 * 1000);
const [host, acme, expired, unnamed, forged, globex, stranger] = await Promise.all([
  ca.issueServerCertificate(),
  ca.issueClientCertificate(named),
  ca.issueClientCertificate({ ...named, notAfter: yesterday }),
  ca.issueClientCertificate(),
  otherCa.issueClientCertificate(named),
  createSelfSignedCertificate(),
  createSelfSignedCertificate(named),
]);
setEnvironment({ issuer, host, clientCa: ca.certificate });
vi.stubEnv("GLOBEX_THUMBPRINT", globex.thumbprint);

let server: Server;
let api: RunningServer;
beforeAll(async () => {
  ({ server } = await import("./certificate-policy-server.ts"));
  api = await listening(server);
});
afterAll(async () => {
  await Promise.all([api.close(), issuer.close()]);
});

async function request(path: string, identity: Identity, claims: Record<string, unknown> = {}) {
  const token = await issuer.accessToken({ boundTo: identity, claims: { scope: "payments", ...claims } });
  return mtlsRequest(`${api.url}${path}`, { ca: ca.certificate, token, identity });
}

test.each<[string, Identity, string, number]>([
  ["accepts a certificate with the tenant's issuer and name", acme, "acme", 200],
  ["accepts a certificate with the tenant's thumbprint", globex, "globex", 200],
  ["rejects the token of another tenant", acme, "globex", 401],
  ["rejects an expired certificate", expired, "acme", 401],
  ["rejects a certificate with another name", unnamed, "acme", 401],
  ["rejects a certificate with the tenant's name from another issuer", forged, "acme", 401],
  ["rejects a self-signed certificate with the tenant's name", stranger, "acme", 401],
])("the server %s", async (_case, identity, tenant, status) => {
  const response = await request("/payments", identity, { tenant_id: tenant });
  expect(response.status).toBe(status);
  expect(response.json()).toStrictEqual(status === 200 ? { tenant } : { message: "unauthorized" });
});

const load = () => import("./certificate-policy-server.ts");

test.each(
  ["SERVER_KEY", "SERVER_CERTIFICATE", "CLIENT_CA"].flatMap((name): [string, string | undefined, string][] => [
    [name, undefined, "is missing or empty"],
    [name, "", "is missing or empty"],
    [name, "./file.pem", "is not PEM"],
  ]),
)("the server does not start if %s is %j", async (name, value, message) => {
  await expect(startWith(load, { [name]: value })).rejects.toThrow(`${name} ${message}`);
});

test("the server does not start without GLOBEX_THUMBPRINT", async () => {
  await expect(startWith(load, { GLOBEX_THUMBPRINT: undefined })).rejects.toThrow(TypeError);
});

test("the server starts with all variables", async () => {
  const { url, close } = await listening((await startWith(load, {})).server);
  expect(url).toMatch(/:[1-9]\d*$/);
  await close();
});

test("the settings route requires a chain that the handshake of this connection verified", async () => {
  expect((await request("/settings", acme)).status).toBe(200);
  expect((await request("/settings", globex)).status).toBe(401);
  expect((await request("/settings", expired)).status).toBe(401);
});

test("a custom policy checks revocation only for certificates that the rules accept", async () => {
  const checkedSerialNumbers: string[] = [];
  const { serialNumber } = new X509Certificate(expired.certificate);
  const policy = unrevoked(ca.certificate, async (number) => {
    checkedSerialNumbers.push(number);
    return number === serialNumber;
  });
  const decide = async ({ certificate }: Identity, now: number) => {
    const x509 = new X509Certificate(certificate);
    return policy({ thumbprint: certificateThumbprint(x509), x509 }, { claims: {}, now });
  };
  const now = Date.now() / 1000;
  expect(await decide(acme, now)).toBe(true);
  expect(await decide(expired, yesterday.getTime() / 1000 - 1)).toBe(false);
  expect(checkedSerialNumbers).toHaveLength(2);
  expect(await decide(expired, now)).toMatchObject({ code: "ERR_CERTIFICATE_UNTRUSTED" });
  expect(await decide(forged, now)).toMatchObject({ code: "ERR_CERTIFICATE_UNTRUSTED" });
  expect(checkedSerialNumbers).toHaveLength(2);
});
