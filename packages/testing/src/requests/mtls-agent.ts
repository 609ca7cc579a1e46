import { Agent } from "node:https";
import { tlsCredentials } from "../certificates/identity.ts";
import type { Identity } from "../certificates/identity.ts";
import { assertKnownOptions } from "../known-options.ts";

/** Configures an agent. */
export interface MtlsAgentOptions {
  /** The certificate, as PEM, that the server's certificate must chain to. */
  readonly ca: string;
  /** The certificate to present. Absent: none, even if the server asks for one. */
  readonly identity?: Identity;
  /** Keeps connections open for further requests, until `agent.destroy()`. Defaults to false: one for each request. */
  readonly keepAlive?: boolean;
}

/**
 * Creates an agent that presents a client certificate, for node:https and for clients that take such an agent: axios
 * (`httpsAgent`), got (`agent.https`), node-fetch (`agent`).
 *
 * As with `mtlsRequest`, the server's certificate must chain to `ca` and be valid for `localhost`, whatever the host of
 * the address; `NODE_TLS_REJECT_UNAUTHORIZED` does not change that. Each connection makes a full handshake.
 *
 * @throws TypeError for an unknown option or an impossible value
 */
export function mtlsAgent(options: MtlsAgentOptions): Agent {
  assertKnownOptions(options, ["ca", "identity", "keepAlive"]);
  const { ca, identity, keepAlive = false } = options;
  // without an authority, Node.js would trust the public ones
  if (typeof ca !== "string" || ca === "") throw new TypeError("ca is not a PEM text");
  if (typeof keepAlive !== "boolean") throw new TypeError("keepAlive is not true or false");
  return new Agent({
    ca,
    servername: "localhost",
    // the default depends on NODE_TLS_REJECT_UNAUTHORIZED
    rejectUnauthorized: true,
    keepAlive,
    // a resumed session would keep the certificate of the first one
    maxCachedSessions: 0,
    ...(identity && tlsCredentials(identity)),
  });
}
