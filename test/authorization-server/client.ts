import type { Identity } from "@certbound/testing";
import { clientCredentialsGrant, type CustomFetch, customFetch, discovery, TlsClientAuth } from "openid-client";
import { Agent, fetch as undiciFetch, type RequestInit } from "undici";

/** A client of the authorization server and of the APIs, whose connections carry its certificate. */
export interface Client {
  /** Gets an access token over mutual TLS, by the client credentials grant. */
  readonly accessToken: (issuer: string) => Promise<string>;
  readonly call: (url: string, token?: string) => Promise<{ readonly status: number; readonly body: unknown }>;
  readonly close: () => Promise<void>;
}

/** Creates a client; without an identity it has no certificate. */
export function createClient({
  id,
  ca,
  identity,
}: {
  readonly id: string;
  readonly ca: string;
  readonly identity?: Identity | undefined;
}): Client {
  const { fetch, close } = createFetch({ ca, identity });
  return {
    accessToken: async (issuer) => {
      const metadata = { use_mtls_endpoint_aliases: true };
      const options = { [customFetch]: fetch as CustomFetch };
      const configuration = await discovery(new URL(issuer), id, metadata, TlsClientAuth(), options);
      const { access_token: token } = await clientCredentialsGrant(configuration, { scope: "read" });
      return token;
    },
    call: async (url, token) => {
      const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
      const response = await fetch(url, { headers });
      return { status: response.status, body: await response.json() };
    },
    close,
  };
}

/** Makes a fetch that trusts a private authority, and presents a certificate when there is one. */
export function createFetch({ ca, identity }: { readonly ca: string; readonly identity?: Identity | undefined }): {
  readonly fetch: typeof fetch;
  readonly close: () => Promise<void>;
} {
  const tls = identity === undefined ? { ca } : { ca, cert: identity.certificate, key: identity.key };
  const dispatcher = new Agent({ connect: tls });
  const fetchOverTls = (url: string, init?: RequestInit) => undiciFetch(url, { ...init, dispatcher });
  return {
    // Node's types describe the same function, but those of an older release of undici.
    fetch: fetchOverTls as unknown as typeof fetch,
    close: () => dispatcher.close(),
  };
}
