import {
  createCertificateAuthority,
  createIssuer,
  mtlsRequest,
  type MtlsRequestOptions,
  type MtlsResponse,
  type RunningServer,
  startServer,
  tamperSignature,
} from "@certbound/testing";
import type { Server } from "node:https";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { setEnvironment } from "./environment.ts";

// The guides do not set a clock, so they and the issuer use the clock of this machine.
const [ca, issuer] = await Promise.all([createCertificateAuthority(), createIssuer()]);
const [host, client, thief] = await Promise.all([
  ca.issueServerCertificate(),
  ca.issueClientCertificate(),
  ca.issueClientCertificate(),
]);
setEnvironment({ issuer, host });

afterAll(async () => {
  await issuer.close();
});

const guides: readonly (readonly [string, () => Promise<{ readonly server: Server }>])[] = [
  // The guides of a similar library with only the import lines changed: their resolvers read the socket.
  ["the guide for Express", () => import("./express-guide.ts")],
  ["the guide for Fastify", () => import("./fastify-guide.ts")],
  ["the server of the migration guide", () => import("./migrating-server.ts")],
];

describe.each(guides)("%s", (_name, load) => {
  let api: RunningServer;
  beforeAll(async () => {
    const { server } = await load();
    api = await startServer(server);
  });
  afterAll(() => api.close());

  const send = (options: Omit<MtlsRequestOptions, "ca">): Promise<MtlsResponse> =>
    mtlsRequest(`${api.url}/api/account`, { ca: ca.certificate, ...options });

  test("accepts the client whose certificate the token is bound to", async () => {
    const token = await issuer.accessToken({ boundTo: client, claims: { tenant: "a" } });
    const { status, body } = await send({ token, identity: client });
    expect({ status, body }).toEqual({ status: 200, body: '{"subject":"client-1","tenant":"a"}' });
  });

  test.each<[string, () => Promise<Omit<MtlsRequestOptions, "ca">>]>([
    ["no token", async () => ({ identity: client })],
    ["a malformed token", async () => ({ identity: client, token: "not-a-token" })],
    ["a tampered token", async () => ({ identity: client, token: tamperSignature(await bound()) })],
    ["an expired token", async () => ({ identity: client, token: await bound({ expiresIn: -3600 }) })],
    ["a token of another API", async () => ({ identity: client, token: await bound({ claims: { aud: "other" } }) })],
    ["an unbound token", async () => ({ identity: client, token: await issuer.accessToken() })],
    ["the certificate of another client", async () => ({ identity: thief, token: await bound() })],
    ["no certificate", async () => ({ token: await bound() })],
  ])("responds with 401 to a request with %s", async (_content, request) => {
    const { status, body, headers } = await send(await request());
    expect({ status, body }).toEqual({ status: 401, body: '{"message":"unauthorized"}' });
    expect(headers["www-authenticate"]).toMatch(/^Bearer realm="api"/);
  });
});

function bound(options: Parameters<typeof issuer.accessToken>[0] = {}): Promise<string> {
  return issuer.accessToken({ boundTo: client, ...options });
}
