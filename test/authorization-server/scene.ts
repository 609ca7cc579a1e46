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

/** An authorization server with two clients, and what it takes to start an API of it; all ends with the test file. */
export interface Scene {
  readonly server: AuthorizationServer;
  /** Authenticates by `tls_client_auth`. */
  readonly caSigned: Client;
  /** Authenticates by `self_signed_tls_client_auth`. */
  readonly selfSigned: Client;
  readonly thumbprints: ReadonlyMap<Client, string>;
  /** Makes another client of this name: with a certificate of the authority, but not the one it is registered with. */
  readonly impostor: (id: string) => Promise<Client>;
  /** Makes a client of this name that has no certificate. */
  readonly withoutCertificate: (id: string) => Client;
  /** The APIs as clients, which ask the authorization server about opaque tokens. */
  readonly apiClients: ApiClients;
  /** How often the authorization server was asked about a token: by everybody, and by those with certificates. */
  readonly introspections: () => { readonly plain: number; readonly mtls: number };
  /** Has the global `fetch` trust the authority: who gives `clientTls` leaves the option `fetch` out. */
  readonly trustEverywhere: () => void;
  /** Makes a `fetch` that presents a certificate to whoever asks for one. */
  readonly presenting: (tls: ClientTls) => typeof fetch;
  /** Starts an API that knows the issuer by its URL alone, and trusts the authority for it. */
  readonly startApi: (start: StartApi, options?: VerifierOptions) => Promise<Api>;
}

/** An API that runs. */
export interface Api {
  readonly url: string;
  /** Asks as a client, with a token: the status, and for a rejection the code that only the API's operator is told. */
  readonly ask: (client: Client, token?: string) => Promise<number | readonly [number, AccessTokenErrorCode]>;
  /** The codes of all rejections so far. */
  readonly rejections: readonly AccessTokenErrorCode[];
}

/** Sets the scene; the server signs with a key that is named "first", answers about tokens only where that is said. */
export async function createScene({ signsAnswers = false } = {}): Promise<Scene> {
  const authority = await createCertificateAuthority();
  const [issued, own] = await Promise.all([
    authority.issueClientCertificate({ commonName: "ca-signed" }),
    createSelfSignedCertificate({ commonName: "self-signed" }),
  ]);
  const apiClients = await createApiClients(authority);
  const server = await startAuthorizationServer(authority, {
    clients: [
      registerClient("ca-signed", tlsClientAuth(issued)),
      registerClient("self-signed", selfSignedTlsClientAuth(own)),
      ...Object.values(apiClients).map(({ metadata }) => metadata),
    ],
    keys: [createSigningKey("first")],
    signsAnswers,
  });
  const ca = authority.certificate;
  const trusting = createFetch({ ca });
  const closing = [server.close, trusting.close];
  afterAll(async () => {
    await Promise.all(closing.map((close) => close()));
  });
  const client = (options: Omit<Parameters<typeof createClient>[0], "ca">): Client => {
    const created = createClient({ ca, ...options });
    closing.push(created.close);
    return created;
  };
  const caSigned = client({ id: "ca-signed", identity: issued });
  const selfSigned = client({ id: "self-signed", identity: own });
  return {
    server,
    caSigned,
    selfSigned,
    thumbprints: new Map([
      [caSigned, issued.thumbprint],
      [selfSigned, own.thumbprint],
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
    presenting: (tls) => {
      const created = createFetch(tls);
      closing.push(created.close);
      return created.fetch;
    },
    startApi: async (start, options) => {
      const { issuer } = server;
      const rejections: AccessTokenErrorCode[] = [];
      const onRejected = ({ code }: AccessTokenError): void => void rejections.push(code);
      const trust = options?.introspection?.clientTls === undefined ? { fetch: trusting.fetch } : {};
      const api = await start(authority, { issuer, audience: AUDIENCE, ...trust, ...options, onRejected });
      closing.push(api.close);
      const ask: Api["ask"] = async (asking, token) => {
        const before = rejections.length;
        const { status } = await asking.call(api.url, token);
        const code = rejections[before];
        return code === undefined ? status : [status, code];
      };
      return { url: api.url, ask, rejections };
    },
  };
}
