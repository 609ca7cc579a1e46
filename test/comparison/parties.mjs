// The issuer, its certificates and tokens, and one server process for each candidate.

import { fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createCertificateAuthority, createIssuer, startServer } from "@certbound/testing";

/** @typedef {import("./candidate.js").Settings} Settings */
/** @typedef {import("@certbound/testing").Issuer} Issuer */
/** @typedef {Awaited<ReturnType<typeof createParties>>} Parties */
/** @typedef {Awaited<ReturnType<Parties["startCandidate"]>>} RunningCandidate */

/** Creates everything that the candidates have in common. */
export async function createParties() {
  // RS256 is the only algorithm that all candidates accept without configuration.
  const algorithms = { algorithms: ["RS256"] };
  const [ca, issuer, closed] = await Promise.all([
    createCertificateAuthority(),
    createIssuer(algorithms),
    createIssuer(algorithms),
  ]);
  const [server, client, thief] = await Promise.all([
    ca.issueServerCertificate(),
    ca.issueClientCertificate(),
    ca.issueClientCertificate(),
  ]);
  const tls = { cert: server.certificate, key: server.key };
  const https = await startHttpsIssuer(tls, issuer);
  await closed.close();
  const folder = mkdtempSync(join(tmpdir(), "certbound-comparison-"));
  writeFileSync(join(folder, "ca.pem"), ca.certificate);
  const proxySecret = randomBytes(32).toString("base64url");
  const { clientId, clientSecret } = issuer.introspectionClient;
  const shared = { audience: issuer.audience, proxySecret, introspection: { clientId, clientSecret } };
  /** @type {(issuer: Issuer, httpsIssuer: string) => Settings} */
  const settingsOf = ({ issuer: identifier, jwksUri, introspectionEndpoint }, httpsIssuer) => ({
    ...shared,
    issuer: identifier,
    httpsIssuer,
    jwksUri: jwksUri.href,
    introspectionEndpoint: introspectionEndpoint.href,
  });
  // Nothing listens on the port of the closed issuer.
  const unavailable = settingsOf(closed, closed.issuer.replace("http:", "https:"));
  const settings = settingsOf(issuer, https.url);
  /** @type {(() => unknown)[]} */
  const cleanups = [https.close, issuer.close, () => rmSync(folder, { recursive: true })];
  return {
    ca: ca.certificate,
    issuer,
    client,
    thief,
    settings,
    unavailable,
    /** Starts a server in a separate process. @param {string} name */
    async startCandidate(name) {
      const env = { ...process.env, NODE_EXTRA_CA_CERTS: join(folder, "ca.pem") };
      const program = fileURLToPath(new URL("server.mjs", import.meta.url));
      const child = fork(program, [name], { env, stdio: ["ignore", "ignore", "pipe", "ipc"] });
      let log = "";
      child.stderr?.on("data", (chunk) => (log += String(chunk)));
      cleanups.push(() => child.kill());
      child.send({ tls, settings, unavailable, owner: Buffer.from(client.der).toString("base64") });
      const [{ port, routes, failed }] = await Promise.race([
        /** @type {Promise<[{ port: number, routes: string[], failed: string[] }]>} */ (once(child, "message")),
        once(child, "exit").then(() => Promise.reject(new Error(`the server of ${name} did not start:\n${log}`))),
      ]);
      return {
        name,
        url: `https://127.0.0.1:${port}`,
        routes,
        /** The routes that could not be created. */
        failed,
        /** Resolves with the next response to a request with `X-Report`. */
        async nextReport() {
          const [reported] = await once(child, "message", { signal: AbortSignal.timeout(10_000) });
          return /** @type {{ status: number, challenge?: string }} */ (reported);
        },
        /** Returns the CPU time of the process in microseconds. */
        async cpuTime() {
          child.send("usage");
          const [{ user, system }] = /** @type {[NodeJS.CpuUsage]} */ (await once(child, "message"));
          return user + system;
        },
      };
    },
    close: () => Promise.all(cleanups.map((cleanUp) => cleanUp())),
  };
}

/**
 * Serves the metadata and the keys of an issuer over HTTPS, for a candidate that accepts no other issuers.
 *
 * @param {{ cert: string, key: string }} tls
 * @param {Issuer} issuer
 */
async function startHttpsIssuer(tls, issuer) {
  const server = createServer(tls, (request, response) => {
    const origin = `https://${request.headers.host}`;
    fetch(new URL(request.url ?? "/", issuer.issuer))
      .then(async (fetched) => {
        const document = (await fetched.text()).replaceAll(issuer.issuer, origin);
        response.writeHead(fetched.status, { "content-type": "application/json" }).end(document);
      })
      .catch(() => response.writeHead(502).end());
  });
  return startServer(server);
}
