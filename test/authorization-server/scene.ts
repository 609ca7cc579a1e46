import { createCertificateAuthority, createSelfSignedCertificate } from "@certbound/testing";
import type { AccessTokenError, AccessTokenErrorCode, ClientTls, VerifierOptions } from "@certbound/core";
import { Agent, getGlobalDispatcher, setGlobalDispatcher } from "undici";
import { afterAll } from "vitest";
import { type ApiClients, createApiClients } from "./api-clients.ts";
import type { StartApi } from "./apis.ts";
import { type AuthorizationServer, startAuthorizationServer } from "./authorization-server.ts";
import { type Client, createClient, createFetch } from "./client.ts";
import { AUDIENCE, createSigningKey, INTROSPECTION_PATH } from "./provider.ts";
import { registerClient, selfSignedTlsClientAuth, tlsClientAuth } from "./registration.ts";

/** An authorization server with two clients, and functions that start APIs; everything is closed after the test file. */
export interface Scene {
  readonly server: AuthorizationServer;
  /** Authenticates by `tls_client_auth`. */
  readonly caSigned: Client;
  /** Authenticates by `self_signed_tls_client_auth`. */
  readonly selfSigned: Client;
  readonly thumbprints: ReadonlyMap<Client, string>;
  /** Creates a client with this ID and a certificate from the CA that it is not registered with. */
  readonly impostor: (id: string) => Promise<Client>;
  /** Creates a client with this ID that has no certificate. */
  readonly withoutCertificate: (id: string) => Client;
  /** The APIs that introspect opaque tokens, as clients of the authorization server. */
  readonly apiClients: ApiClients;
  /** The number of introspection requests so far, on the public and on the mutual TLS listener. */
  readonly introspections: () => { readonly plain: number; readonly mtls: number };
  /** Makes the global `fetch` trust the CA, for options with `clientTls`, which exclude the option `fetch`. */
  readonly trustEverywhere: () => void;
  /** Creates a `fetch` that presents a client certificate. */
  readonly fetchPresenting: (tls: ClientTls) => typeof fetch;
  /** Starts an API that discovers the issuer from its URL and trusts the CA. */
  readonly startApi: (start: StartApi, options?: VerifierOptions) => Promise<Api>;
}

/** A running API. */
export interface Api {
  readonly url: string;
  /** Calls the API as a client; returns the status, and for a rejection also the error code passed to `onRejected`. */
  readonly ask: (client: Client, token?: string) => Promise<number | readonly [number, AccessTokenErrorCode]>;
  /** The codes of all rejections so far. */
  readonly rejections: readonly AccessTokenErrorCode[];
}

/** Creates the setup; the server signs tokens with a key named "first", introspection responses only on request. */
export async function createScene({ signsResponses = false } = {}): Promise<Scene> {
  const authority = await createCertificateAuthority();
  const [issued, selfSignedIdentity] = await Promise.all([
    authority.issueClientCertificate({ commonName: "ca-signed" }),
    createSelfSignedCertificate({ commonName: "self-signed" }),
  ]);
  const apiClients = await createApiClients(authority);
  const server = await startAuthorizationServer(authority, {
    clients: [
      registerClient("ca-signed", tlsClientAuth(issued)),
      registerClient("self-signed", selfSignedTlsClientAuth(selfSignedIdentity)),
      ...Object.values(apiClients).map(({ metadata }) => metadata),
    ],
    keys: [createSigningKey("first")],
    signsResponses,
  });
  const ca = authority.certificate;
  const trustingFetch = createFetch({ ca });
  const closing = [server.close, trustingFetch.close];
  afterAll(async () => {
    await Promise.all(closing.map((close) => close()));
  });
  const client = (options: Omit<Parameters<typeof createClient>[0], "ca">): Client => {
    const created = createClient({ ca, ...options });
    closing.push(created.close);
    return created;
  };
  const caSigned = client({ id: "ca-signed", identity: issued });
  const selfSigned = client({ id: "self-signed", identity: selfSignedIdentity });
  return {
    server,
    caSigned,
    selfSigned,
    thumbprints: new Map([
      [caSigned, issued.thumbprint],
      [selfSigned, selfSignedIdentity.thumbprint],
    ]),
    impostor: async (id) =>
      client({ id, identity: await authority.issueClientCertificate({ commonName: "impostor" }) }),
    withoutCertificate: (id) => client({ id }),
    apiClients,
    introspections: () => {
      const count = (paths: readonly string[]): number => paths.filter((path) => path === INTROSPECTION_PATH).length;
      return { plain: count(server.requests), mtls: count(server.mtlsRequests) };
    },
    trustEverywhere: () => {
      const [before, agent] = [getGlobalDispatcher(), new Agent({ connect: { ca } })];
      setGlobalDispatcher(agent);
      closing.push(async () => {
        setGlobalDispatcher(before);
        await agent.close();
      });
    },
    fetchPresenting: (tls) => {
      const created = createFetch(tls);
      closing.push(created.close);
      return created.fetch;
    },
    startApi: async (start, options) => {
      const { issuer } = server;
      const rejections: AccessTokenErrorCode[] = [];
      const onRejected = ({ code }: AccessTokenError): void => void rejections.push(code);
      const trust = options?.introspection?.clientTls === undefined ? { fetch: trustingFetch.fetch } : {};
      const api = await start(authority, { issuer, audience: AUDIENCE, ...trust, ...options, onRejected });
      closing.push(api.close);
      const ask: Api["ask"] = async (caller, token) => {
        const before = rejections.length;
        const { status } = await caller.call(api.url, token);
        const code = rejections[before];
        return code === undefined ? status : [status, code];
      };
      return { url: api.url, ask, rejections };
    },
  };
}
