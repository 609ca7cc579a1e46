import type { CertificateAuthority } from "@certbound/testing";
import type { RequestListener } from "node:http";
import type { Jwk } from "oidc-provider";
import { createProvider, type ProviderOptions } from "./provider.ts";
import { startStoppableServer } from "./stoppable-server.ts";

/** An authorization server on loopback with two listeners: a public one, and one for mutual TLS. */
export interface AuthorizationServer {
  /** The issuer identifier, which is also the URL of the public listener. */
  readonly issuer: string;
  /** The paths requested so far from the public listener. */
  readonly requests: readonly string[];
  /** The paths requested so far from the mutual TLS listener. */
  readonly mtlsRequests: readonly string[];
  /** Replaces the keys: the first key signs from now on, and only these keys are published. */
  readonly replaceKeys: (...keys: readonly Jwk[]) => void;
  readonly stop: () => void;
  readonly start: () => void;
  readonly close: () => Promise<void>;
}

/** Starts an authorization server whose listeners use a certificate issued by the given CA. */
export async function startAuthorizationServer(
  authority: CertificateAuthority,
  { keys, ...options }: Pick<ProviderOptions, "clients" | "keys" | "signsResponses">,
): Promise<AuthorizationServer> {
  const { certificate: cert, key } = await authority.issueServerCertificate();
  const [requests, mtlsRequests]: [string[], string[]] = [[], []];
  let handle: RequestListener = (_request, response) => void response.writeHead(503).end();
  const publicListener = await startStoppableServer({ cert, key }, (request, response) => {
    requests.push(request.url ?? "");
    handle(request, response);
  });
  const mtlsListener = await startStoppableServer(
    // The handshake must accept self-signed clients; the provider checks every certificate.
    { cert, key, ca: authority.certificate, requestCert: true, rejectUnauthorized: false, minVersion: "TLSv1.3" },
    (request, response) => {
      mtlsRequests.push(request.url ?? "");
      handle(request, response);
    },
  );
  const listeners = [publicListener, mtlsListener];
  const issuer = publicListener.url;
  const replaceKeys = (...replacement: readonly Jwk[]): void => {
    handle = createProvider({ ...options, issuer, mtlsOrigin: mtlsListener.url, keys: replacement });
  };
  replaceKeys(...keys);
  return {
    issuer,
    requests,
    mtlsRequests,
    replaceKeys,
    stop: () => {
      for (const { stop } of listeners) stop();
    },
    start: () => {
      for (const { start } of listeners) start();
    },
    close: async () => {
      await Promise.all(listeners.map(({ close }) => close()));
    },
  };
}
