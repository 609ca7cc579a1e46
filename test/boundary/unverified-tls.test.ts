import { execFile } from "node:child_process";
import { createServer } from "node:https";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { IntrospectionOptions, VerifierOptions } from "@certbound/core";
import { createCertificateAuthority, createIssuer, startServer } from "@certbound/testing";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";

/** The settings of the process. */
export interface Settings {
  readonly verifiers: readonly VerifierOptions[];
  /** Configures every verifier with a `fetch` that calls the global one. */
  readonly hasCustomFetch?: boolean;
  /** The token that the last verifier verifies. */
  readonly token?: string;
  readonly thumbprint?: string;
}

interface Result {
  readonly outcome: unknown;
  /** The codes of the warnings of certbound on stderr. */
  readonly warnings: readonly string[];
}

const program = fileURLToPath(new URL("unverified-tls.mjs", import.meta.url));
const [servers, otherServers, clients, issuer] = await Promise.all([
  createCertificateAuthority(),
  createCertificateAuthority(),
  createCertificateAuthority(),
  createIssuer(),
]);
afterAll(() => issuer.close());
const [server, api, client] = await Promise.all([
  servers.issueServerCertificate(),
  clients.issueClientCertificate(),
  clients.issueClientCertificate(),
]);
const { issuer: identifier, audience, jwks } = issuer;

/** Runs the program with the built packages and a value of NODE_TLS_REJECT_UNAUTHORIZED. */
async function run(settings: Settings, value: string | undefined): Promise<Result> {
  const env = value === undefined ? {} : { NODE_TLS_REJECT_UNAUTHORIZED: value };
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [program, JSON.stringify(settings)], { env });
  const warnings = [...stderr.matchAll(/\[(CERTBOUND_\w+)\] CertboundWarning/g)].map(([, code = ""]) => code);
  return { outcome: JSON.parse(stdout), warnings };
}

/** Starts a TLS introspection endpoint that reports every token as active and bound to the client. */
async function startEndpoint(tls: object = {}): Promise<{ readonly url: string; readonly requests: () => number }> {
  let requests = 0;
  const { url, close } = await startServer(
    createServer({ key: server.key, cert: server.certificate, ...tls }, (_request, response) => {
      requests += 1;
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ active: true, aud: audience, cnf: { "x5t#S256": client.thumbprint } }));
    }),
  );
  onTestFinished(close);
  return { url, requests: () => requests };
}

/** Returns the settings of a process that verifies an opaque token and has static keys. */
function introspecting(introspection: Omit<IntrospectionOptions, "clientId">): Settings {
  const options = { issuer: identifier, audience, jwks, introspection: { clientId: "api", ...introspection } };
  return { verifiers: [options], token: "opaque", thumbprint: client.thumbprint };
}

describe("with NODE_TLS_REJECT_UNAUTHORIZED=0, introspection with clientTls", () => {
  const mutual = { ca: clients.certificate, requestCert: true, rejectUnauthorized: true };
  const identity = { cert: api.certificate, key: api.key };

  test.each([
    ["without a CA", undefined],
    ["with another CA", otherServers.certificate],
  ])("sends nothing to an untrusted server: %s", async (_name, ca) => {
    const { url: endpoint, requests } = await startEndpoint(mutual);
    const rejected = introspecting({ endpoint, clientTls: { ...identity, ca } });
    expect(await run(rejected, "0")).toEqual({ outcome: "ERR_INTROSPECTION_UNAVAILABLE", warnings: [] });
    expect(requests()).toBe(0);
    const accepted = introspecting({ endpoint, clientTls: { ...identity, ca: servers.certificate } });
    expect(await run(accepted, "0")).toEqual({ outcome: "accepted", warnings: [] });
    expect(requests()).toBe(1);
  });
});

describe("introspection at an untrusted server with the global fetch", () => {
  test("succeeds only with NODE_TLS_REJECT_UNAUTHORIZED=0, and emits a warning", async () => {
    const { url: endpoint, requests } = await startEndpoint();
    const settings = introspecting({ endpoint, clientSecret: "secret" });
    expect(await run(settings, undefined)).toEqual({ outcome: "ERR_INTROSPECTION_UNAVAILABLE", warnings: [] });
    expect(requests()).toBe(0);
    expect(await run(settings, "0")).toEqual({ outcome: "accepted", warnings: ["CERTBOUND_TLS_UNVERIFIED"] });
    expect(requests()).toBe(1);
  });
});

describe("a process with verifiers that fetch from https URLs", () => {
  const discovering = { issuer: "https://as.example", audience };
  const withUrl = { ...discovering, jwks: "https://as.example/jwks" };
  const withKeys = { ...discovering, jwks };
  const warned = { outcome: "none", warnings: ["CERTBOUND_TLS_UNVERIFIED"] };
  const silent = { outcome: "none", warnings: [] };

  test.each<[string, Settings]>([
    ["one verifier", { verifiers: [discovering] }],
    ["several verifiers", { verifiers: [withKeys, withUrl, discovering, discovering] }],
  ])("emits one warning, only with NODE_TLS_REJECT_UNAUTHORIZED=0: %s", async (_name, settings) => {
    expect(await run(settings, "0")).toEqual(warned);
    expect(await run(settings, undefined)).toEqual(silent);
    expect(await run(settings, "1")).toEqual(silent);
  });

  test("emits no warning if they have a custom fetch", async () => {
    expect(await run({ verifiers: [discovering, withUrl], hasCustomFetch: true }, "0")).toEqual(silent);
  });

  test("emits no warning if they have static keys", async () => {
    expect(await run({ verifiers: [withKeys, withKeys] }, "0")).toEqual(silent);
  });
});
