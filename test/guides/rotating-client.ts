import { Agent } from "node:https";

/** A certificate with its key, as PEM. */
export interface ClientIdentity {
  readonly cert: string;
  readonly key: string;
}

/** The credentials for an API: an agent whose connections present a certificate, and a token that is bound to it. */
export interface Access {
  readonly agent: Agent;
  readonly token: string;
}

/**
 * Requests a token with a certificate. Use the agent and the token of one object for each request, and replace both
 * together.
 *
 * @param requestToken requests a token from the token endpoint, over a connection of this agent
 */
export async function createAccess(
  { cert, key }: ClientIdentity,
  { ca, requestToken }: { readonly ca: string; readonly requestToken: (agent: Agent) => Promise<string> },
): Promise<Access> {
  // A new agent does not use any connection or TLS session of the previous certificate.
  const agent = new Agent({ cert, key, ca, keepAlive: true });
  return { agent, token: await requestToken(agent) };
}
