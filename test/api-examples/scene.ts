import type { Authenticator, AccessTokenError, IncomingRequest } from "@certbound/core";
import {
  type CertificateAuthority,
  createCertificateAuthority,
  createIssuer,
  type Identity,
  type Issuer,
  mtlsRequest,
  type MtlsResponse,
  startServer,
} from "@certbound/testing";
import { createServer as createHttpServer, type RequestListener } from "node:http";
import { createServer, type Server } from "node:https";
import { vi } from "vitest";

const ISSUER = "https://auth.example.com";

/** The issuer that the examples name, a CA, and the certificates of a server and two clients. */
export interface Scene {
  readonly ca: CertificateAuthority;
  readonly issuer: Issuer;
  readonly server: Identity;
  readonly client: Identity;
  readonly thief: Identity;
  /** Starts a server, sends one request to /accounts, and closes the server. */
  readonly request: (server: Server, token: string, identity?: Identity) => Promise<MtlsResponse>;
  /** Creates a server that requests client certificates, sends one request to /accounts, and closes the server. */
  readonly requestTo: (listener: RequestListener, token: string, identity?: Identity) => Promise<MtlsResponse>;
  readonly close: () => Promise<void>;
}

/** Creates a scene, in which the global `fetch` sends requests for https://auth.example.com to an issuer on loopback. */
export async function createScene(): Promise<Scene> {
  const [ca, issuer] = await Promise.all([createCertificateAuthority(), createIssuer({ issuer: ISSUER })]);
  const [server, client, thief] = await Promise.all([
    ca.issueServerCertificate(),
    ca.issueClientCertificate(),
    ca.issueClientCertificate(),
  ]);
  vi.stubGlobal("fetch", fetchThroughHost(new URL(ISSUER), issuer.jwksUri));
  const tls = { key: server.key, cert: server.certificate, requestCert: true, rejectUnauthorized: false };
  const request: Scene["request"] = async (api, token, identity) => {
    const { url, close } = await startServer(api);
    try {
      return await mtlsRequest(`${url}/accounts`, { ca: ca.certificate, token, ...(identity && { identity }) });
    } finally {
      await close();
    }
  };
  return {
    ca,
    issuer,
    server,
    client,
    thief,
    request,
    requestTo: (listener, token, identity) => request(createServer(tls, listener), token, identity),
    close: async () => {
      vi.unstubAllGlobals();
      await issuer.close();
    },
  };
}

/** Returns a `fetch` that finds a public host on loopback, whose responses then name the public host. */
function fetchThroughHost({ origin: host }: URL, { origin }: URL): typeof fetch {
  const { fetch } = globalThis;
  return async (input, init) => {
    const url = input instanceof Request ? input.url : String(input);
    if (!url.startsWith(`${host}/`)) return fetch(input, init);
    const response = await fetch(url.replace(host, origin), init);
    return new Response((await response.text()).replaceAll(origin, host), response);
  };
}

/** Sends a request as a proxy does to an API over plain HTTP; resolves with "accepted" or the code of the rejection. */
export async function outcomeBehindProxy(
  authenticator: Authenticator<IncomingRequest>,
  headers: Readonly<Record<string, string>>,
): Promise<string> {
  const authenticate = authenticator();
  const api = createHttpServer((request, response) => {
    authenticate(request).then(
      () => response.end("accepted"),
      (error: unknown) => response.end((error as AccessTokenError).code),
    );
  });
  const { url, close } = await startServer(api);
  try {
    return await (await fetch(url, { headers })).text();
  } finally {
    await close();
  }
}
