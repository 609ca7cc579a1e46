import type { AccessTokenError } from "@certbound/core";
import { createTestKit, type MtlsRequestOptions, type RunningServer } from "@certbound/testing";
import { createServer, type Server } from "node:https";
import { afterAll, describe, expect, test, vi } from "vitest";

// The code does not set a clock, so it uses the clock of this machine, like the kit.
const kit = await createTestKit();
vi.stubEnv("ISSUER", kit.issuer.issuer);
vi.stubEnv("SERVER_KEY", kit.serverOptions.key);
vi.stubEnv("SERVER_CERTIFICATE", kit.serverOptions.cert);
afterAll(async () => {
  vi.unstubAllEnvs();
  await kit.close();
});

const [client, thief] = [await kit.issueClientCertificate(), await kit.issueClientCertificate()];
const token = await kit.accessToken({ boundTo: client });
const unscoped = await kit.accessToken({ boundTo: client, claims: { scope: "write" } });
const { clientOf } = await import("./verifier.ts");

const start = async (guide: Promise<{ readonly server: Server }>) => kit.startServer((await guide).server);
const servers: readonly (readonly [string, RunningServer])[] = [
  ["the server with the Fastify plugin", await start(import("./fastify-plugin.ts"))],
  ["the server of node:https", await start(import("./node-server.ts"))],
];

describe.each(servers)("%s", (_name, { url }) => {
  const request = (options: Omit<MtlsRequestOptions, "ca">) => kit.mtlsRequest(`${url}/accounts`, options);

  test("accepts the client that the token is bound to", async () => {
    const response = await request({ identity: client, token });
    expect(response.status).toBe(200);
    expect(response.json()).toEqual({ client: "client-1" });
  });

  test.each<[string, Omit<MtlsRequestOptions, "ca">, number]>([
    ["another client", { identity: thief, token }, 401],
    ["a client without a certificate", { token }, 401],
    ["a client without a token", { identity: client }, 401],
    ["a token without the scope", { identity: client, token: unscoped }, 403],
  ])("rejects %s", async (_request, options, status) => {
    const response = await request(options);
    expect(response.status).toBe(status);
    expect(response.json()).toEqual({ message: status === 403 ? "forbidden" : "unauthorized" });
    expect(response.headers["www-authenticate"]).toMatch(/^Bearer realm="api"/);
  });
});

test("the verifier compares the certificate of the connection", async () => {
  const server = createServer(kit.serverOptions, (request, response) => {
    const { authorization = "" } = request.headers;
    clientOf(authorization.slice("Bearer ".length), request).then(
      (body) => response.end(JSON.stringify(body)),
      (error: unknown) => response.end(JSON.stringify({ code: (error as AccessTokenError).code })),
    );
  });
  const { url } = await kit.startServer(server);
  const responseTo = async (options: Omit<MtlsRequestOptions, "ca">) => (await kit.mtlsRequest(url, options)).json();
  expect(await responseTo({ identity: client, token })).toEqual({ client: "client-1", thumbprint: client.thumbprint });
  expect(await responseTo({ identity: thief, token })).toEqual({ code: "ERR_BINDING_MISMATCH" });
  expect(await responseTo({ token })).toEqual({ code: "ERR_CERTIFICATE_MISSING" });
  expect(await responseTo({ identity: client, token: unscoped })).toEqual({ code: "ERR_SCOPE_INSUFFICIENT" });
});
