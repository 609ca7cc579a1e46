// The client, the thief and the introspection endpoint for an API under test.

import { createTestKit } from "@certbound/testing";
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:https";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { start } from "./commands.mjs";

/** Creates the parties. `close` stops their servers. */
export async function createParties() {
  const kit = await createTestKit();
  const client = await kit.issueClientCertificate();
  const thief = await kit.issueClientCertificate();
  const api = await kit.issueClientCertificate();
  const token = await kit.accessToken({ boundTo: client });
  const { issuer, audience } = kit.verifierOptions;
  const { cert, key, ca } = kit.serverOptions;
  const opaque = await startIntrospectionEndpoint(kit, { iss: issuer, aud: audience, client });
  const clientTls = { cert: api.certificate, key: api.key, ca };
  const introspection = { clientId: "api", endpoint: opaque.url, clientTls };

  /**
   * Starts a program that prints the address of its API. Sends a request of the client and of the thief with the same token,
   * and returns the statuses and the warnings.
   *
   * @param {readonly string[]} command
   * @param {{ cwd: string, accessToken?: string, options?: object, httpVersion?: 1 | 2 }} run
   */
  async function resultOf(command, { cwd, accessToken = token, options = { issuer, audience }, httpVersion = 1 }) {
    const { child, exit, end } = start(command, {
      cwd,
      env: { API: JSON.stringify({ options, tls: { cert, key, ca } }) },
    });
    try {
      const stderr = text(child.stderr);
      const [line] = await Promise.race([once(createInterface(child.stdout), "line"), exit.then(() => [])]);
      if (line === undefined) throw new Error(await stderr);
      const url = `https://localhost:${JSON.parse(line).port}/accounts`;
      const responses = [client, thief].map((identity) =>
        kit.mtlsRequest(url, { identity, token: accessToken, httpVersion }),
      );
      const statuses = (await Promise.all(responses)).map(({ status }) => status);
      end();
      return { statuses, warnings: await stderr };
    } finally {
      end();
    }
  }

  return {
    close: kit.close,
    /**
     * Expects an API to accept a token from its client and to reject it from a thief.
     *
     * @param {readonly string[]} command
     * @param {string} cwd
     * @param {1 | 2} [httpVersion]
     */
    async expectProtection(command, cwd, httpVersion = 1) {
      assert.deepEqual((await resultOf(command, { cwd, httpVersion })).statuses, [200, 401]);
    },
    /**
     * Expects an API that does not receive client certificates to reject all requests, without a warning.
     *
     * @param {readonly string[]} command
     * @param {string} cwd
     */
    async expectRejection(command, cwd) {
      assert.deepEqual(await resultOf(command, { cwd }), { statuses: [401, 401], warnings: "" });
    },
    /**
     * Expects an API to introspect a token over mutual TLS, or to fail at start-up with a TypeError.
     *
     * @param {readonly string[]} command
     * @param {string} cwd
     * @param {RegExp} [problem] the expected problem with undici
     */
    async expectClientTls(command, cwd, problem) {
      const options = { issuer, audience, introspection };
      const result = resultOf(command, { cwd, accessToken: "opaque", options });
      if (problem === undefined) return assert.deepEqual((await result).statuses, [200, 401]);
      await assert.rejects(result, /TypeError: .*option "clientTls".* the package undici, /);
      return assert.rejects(result, problem);
    },
  };
}

/**
 * Starts an introspection endpoint that accepts only clients with a certificate of the kit, and reports every token as active.
 *
 * @param {import("@certbound/testing").TestKit} kit
 * @param {{ iss: string, aud: string, client: import("@certbound/testing").Identity }} of
 */
function startIntrospectionEndpoint(kit, { iss, aud, client }) {
  const cnf = { "x5t#S256": client.thumbprint };
  const server = createServer({ ...kit.serverOptions, rejectUnauthorized: true }, (request, response) => {
    const now = Math.floor(kit.clock() / 1000);
    request.resume();
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ active: true, iss, aud, client_id: "client-1", iat: now, exp: now + 300, cnf }));
  });
  return kit.startServer(server);
}
