import type { ClientTls } from "@certbound/core";
import type { Identity } from "@certbound/testing";
import {
  clientCredentialsGrant,
  type Configuration,
  type CustomFetch,
  customFetch,
  discovery,
  TlsClientAuth,
  tokenRevocation,
} from "openid-client";
import { Agent, fetch as undiciFetch, type RequestInit } from "undici";
import { AUDIENCE } from "./provider.ts";

/** A client that presents its certificate to the authorization server and to the APIs. */
export interface Client {
  /** Requests an access token over mutual TLS with the client credentials grant; default resource: `AUDIENCE` (JWTs). */
  readonly accessToken: (issuer: string, resource?: string) => Promise<string>;
  /** Requests the revocation of a token (RFC 7009). */
  readonly revoke: (issuer: string, token: string) => Promise<void>;
  readonly call: (url: string, token?: string) => Promise<ApiResponse>;
  readonly close: () => Promise<void>;
}

/** The response of an API. */
export interface ApiResponse {
  readonly status: number;
  readonly body: unknown;
  readonly retryAfter: string | undefined;
}

/** Creates a client; without `identity` it presents no certificate. */
export function createClient({
  id,
  ca,
  identity,
}: {
  readonly id: string;
  readonly ca: string;
  readonly identity?: Identity | undefined;
}): Client {
  const { fetch, close } = createFetch({ ca, ...(identity && { cert: identity.certificate, key: identity.key }) });
  const discover = (issuer: string): Promise<Configuration> => {
    const metadata = { use_mtls_endpoint_aliases: true };
    return discovery(new URL(issuer), id, metadata, TlsClientAuth(), { [customFetch]: fetch as CustomFetch });
  };
  return {
    accessToken: async (issuer, resource = AUDIENCE) => {
      const { access_token: token } = await clientCredentialsGrant(await discover(issuer), { scope: "read", resource });
      return token;
    },
    revoke: async (issuer, token) => tokenRevocation(await discover(issuer), token),
    call: async (url, token) => {
      const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
      const response = await fetch(url, { headers });
      const retryAfter = response.headers.get("retry-after") ?? undefined;
      return { status: response.status, body: await response.json(), retryAfter };
    },
    close,
  };
}

/** Creates a `fetch` that trusts the given CA and presents the given certificate, if any. */
export function createFetch(tls: Partial<ClientTls>): {
  readonly fetch: typeof fetch;
  readonly close: () => Promise<void>;
} {
  const dispatcher = new Agent({ connect: { ...tls } as Record<string, unknown> });
  const fetchOverTls = (url: string, init?: RequestInit) => undiciFetch(url, { ...init, dispatcher });
  return {
    // Node's types describe the same function of an older undici release.
    fetch: fetchOverTls as unknown as typeof fetch,
    close: () => dispatcher.close(),
  };
}
