import { Agent } from "node:https";
import { tlsCredentials } from "../certificates/identity.ts";
import type { Identity } from "../certificates/identity.ts";
import { assertKnownOptions } from "../known-options.ts";

/** Options of an agent. */
export interface MtlsAgentOptions {
  /** The CA certificate, as PEM, that the server's certificate must chain to. */
  readonly ca: string;
  /** The client certificate. If omitted, the client presents none. */
  readonly identity?: Identity;
  /** Keeps connections open until `agent.destroy()`. Defaults to false: each request opens a new connection. */
  readonly keepAlive?: boolean;
}

/**
 * Creates an agent that presents a client certificate, for node:https, axios (`httpsAgent`), got (`agent.https`) and
 * node-fetch (`agent`).
 *
 * The server's certificate must chain to `ca` and be valid for `localhost`, even if the URL has another host.
 * `NODE_TLS_REJECT_UNAUTHORIZED` has no effect. Each connection makes a full handshake.
 *
 * @example
 * <!-- source: test/api-examples/testing.examples.ts#mtlsAgent -->
 * ```ts
 * const agent = mtlsAgent({ ca: kit.ca.certificate, identity: client });
 *
 * const request = get(`${url}/accounts`, { agent, headers: { authorization: `Bearer ${token}` } });
 * const [response] = (await once(request, "response")) as [IncomingMessage];
 * assert.equal(response.statusCode, 200);
 * agent.destroy();
 * ```
 *
 * @throws TypeError for an unknown option or an invalid value
 */
export function mtlsAgent(options: MtlsAgentOptions): Agent {
  assertKnownOptions(options, ["ca", "identity", "keepAlive"]);
  const { ca, identity, keepAlive = false } = options;
  // Without `ca`, Node.js would trust the public CAs.
  if (typeof ca !== "string" || ca === "") throw new TypeError("ca is not a PEM string");
  if (typeof keepAlive !== "boolean") throw new TypeError("keepAlive is not true or false");
  return new Agent({
    ca,
    servername: "localhost",
    // The default depends on NODE_TLS_REJECT_UNAUTHORIZED.
    rejectUnauthorized: true,
    keepAlive,
    // A resumed session would keep the certificate of the first handshake.
    maxCachedSessions: 0,
    ...(identity && tlsCredentials(identity)),
  });
}
