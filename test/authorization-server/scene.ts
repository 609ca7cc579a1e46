import { createCertificateAuthority, createSelfSignedCertificate } from "@certbound/testing";
import type { AccessTokenError, AccessTokenErrorCode, VerifierOptions } from "@certbound/core";
import { afterAll } from "vitest";
import type { StartApi } from "./apis.ts";
import { type AuthorizationServer, startAuthorizationServer } from "./authorization-server.ts";
import { type Client, createClient, createFetch } from "./client.ts";
import { AUDIENCE, authorityClient, createSigningKey, selfSignedClient } from "./provider.ts";

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
  /** Starts an API that knows the issuer by its URL alone, and trusts the authority for it. */
  readonly startApi: (start: StartApi, options?: VerifierOptions) => Promise<Api>;
}

/** An API that runs. */
export interface Api {
  readonly url: string;
  /** Asks as a client, with a token: the status, and for a refusal the code that only the API's operator is told. */
  readonly ask: (client: Client, token?: string) => Promise<number | readonly [number, AccessTokenErrorCode]>;
}

/** Sets the scene; the server signs with a key that is named "first". */
export async function createScene(): Promise<Scene> {
  const authority = await createCertificateAuthority();
  const [issued, own] = await Promise.all([
    authority.issueClientCertificate({ commonName: "ca-signed" }),
    createSelfSignedCertificate({ commonName: "self-signed" }),
  ]);
  const server = await startAuthorizationServer(authority, {
    clients: [authorityClient(issued), selfSignedClient(own)],
    keys: [createSigningKey("first")],
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
    startApi: async (start, options) => {
      const { issuer } = server;
      let code: AccessTokenErrorCode | undefined;
      const onRejected = (error: AccessTokenError): void => {
        code = error.code;
      };
      const api = await start(authority, { issuer, audience: AUDIENCE, fetch: trusting.fetch, ...options, onRejected });
      closing.push(api.close);
      const ask: Api["ask"] = async (asking, token) => {
        code = undefined;
        const { status } = await asking.call(api.url, token);
        return code === undefined ? status : [status, code];
      };
      return { url: api.url, ask };
    },
  };
}
