import { Agent } from "node:https";

/** A certificate with its key, as PEM. */
export interface ClientIdentity {
  readonly cert: string;
  readonly key: string;
}

/** What a client calls an API with: connections that present a certificate, and a token that is bound to it. */
export interface Access {
  readonly agent: Agent;
  readonly token: string;
}

/**
 * Gets access with a certificate. The two belong together: take both from one object for every request, and replace them
 * as one.
 *
 * @param requestToken asks the token endpoint, over a connection of this agent
 */
export async function createAccess(
  { cert, key }: ClientIdentity,
  { ca, requestToken }: { readonly ca: string; readonly requestToken: (agent: Agent) => Promise<string> },
): Promise<Access> {
  // An agent of its own: no connection and no TLS session of the certificate of before is used again.
  const agent = new Agent({ cert, key, ca, keepAlive: true });
  return { agent, token: await requestToken(agent) };
}
