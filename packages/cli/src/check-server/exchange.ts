import { request } from "node:https";
import { responseTo } from "../inputs/http-response.ts";
import { failureCode } from "../inputs/issuer-exchanges.ts";

/** A certificate and its key, as PEM. */
export interface TlsIdentity {
  readonly certificate: string;
  readonly key: string;
}

/** Where requests go, and whom to trust there. */
export interface Target {
  readonly url: URL;
  readonly method: string;
  /** Authorities, as PEM; none: those that Node knows. */
  readonly ca: readonly string[];
}

/** What came of a request. */
export type Outcome =
  | { readonly kind: "answer"; readonly status: number; readonly hasChallenge: boolean }
  /** The connection ended in, or right after, the handshake: an alert, or no word at all. */
  | { readonly kind: "closed"; readonly failure: string }
  /** There was no connection or no HTTP response in time, or the server is not to be trusted with a token. */
  | { readonly kind: "unreachable"; readonly failure: string };

/** How long an API has to answer, in milliseconds. */
export const TIMEOUT = 10_000;

/** Makes one request over a connection of its own, with or without a certificate and a token. */
export async function exchange(
  target: Target,
  sent: { readonly identity?: TlsIdentity | undefined; readonly token?: string | undefined },
): Promise<Outcome> {
  const { url, method } = target;
  const { identity, token } = sent;
  const outgoing = request(url, {
    method,
    agent: false,
    signal: AbortSignal.timeout(TIMEOUT),
    headers: { accept: "*/*", connection: "close", ...(token !== undefined && { authorization: `Bearer ${token}` }) },
    ...tlsOptions(target, identity),
  });
  try {
    outgoing.end();
    const incoming = await responseTo(outgoing);
    const { statusCode: status = 0, headers } = incoming;
    incoming.destroy();
    return { kind: "answer", status, hasChallenge: headers["www-authenticate"] !== undefined };
  } catch (error) {
    const failure = failureCode(error);
    return { kind: /^(?:ERR_SSL_|EPROTO|ECONNRESET|EPIPE)/.test(failure) ? "closed" : "unreachable", failure };
  }
}

/**
 * Returns the TLS options for a target: the certificate and key to present, and the CA certificates to trust. The server is
 * verified, whatever NODE_TLS_REJECT_UNAUTHORIZED says.
 */
export function tlsOptions(
  { ca }: Target,
  identity: TlsIdentity | undefined,
): { readonly rejectUnauthorized: true; readonly cert?: string; readonly key?: string; readonly ca?: string[] } {
  return {
    rejectUnauthorized: true,
    ...(identity !== undefined && { cert: identity.certificate, key: identity.key }),
    ...(ca.length > 0 && { ca: [...ca] }),
  };
}
