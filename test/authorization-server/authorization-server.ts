import type { CertificateAuthority } from "@certbound/testing";
import type { RequestListener } from "node:http";
import type { Jwk } from "oidc-provider";
import { createProvider, type ProviderOptions } from "./provider.ts";
import { startStoppableServer } from "./stoppable-server.ts";

/** An authorization server on loopback, with one listener for everybody and one for clients with certificates. */
export interface AuthorizationServer {
  /** Its identifier, and where its metadata and keys are. */
  readonly issuer: string;
  /** The paths that the listener for everybody was asked for so far. */
  readonly requests: readonly string[];
  /** Those that the listener for clients with certificates was asked for. */
  readonly mtlsRequests: readonly string[];
  /** Restarts its handlers with other keys: the first one signs from now on, and no other keys are published. */
  readonly replaceKeys: (...keys: readonly Jwk[]) => void;
  readonly stop: () => void;
  readonly start: () => void;
  readonly close: () => Promise<void>;
}

/** Starts an authorization server whose listeners have certificates of the given authority. */
export async function startAuthorizationServer(
  authority: CertificateAuthority,
  { keys, ...options }: Pick<ProviderOptions, "clients" | "keys" | "signsAnswers">,
): Promise<AuthorizationServer> {
  const { certificate: cert, key } = await authority.issueServerCertificate();
  const [requests, mtlsRequests]: [string[], string[]] = [[], []];
  let handle: RequestListener = (_request, response) => void response.writeHead(503).end();
  const everybody = await startStoppableServer({ cert, key }, (request, response) => {
    requests.push(request.url ?? "");
    handle(request, response);
  });
  const mtls = await startStoppableServer(
    // A self-signed client must come in; the provider looks at every certificate.
    { cert, key, ca: authority.certificate, requestCert: true, rejectUnauthorized: false, minVersion: "TLSv1.3" },
    (request, response) => {
      mtlsRequests.push(request.url ?? "");
      handle(request, response);
    },
  );
  const listeners = [everybody, mtls];
  const issuer = everybody.url;
  const replaceKeys = (...replacement: readonly Jwk[]): void => {
    handle = createProvider({ ...options, issuer, mtlsOrigin: mtls.url, keys: replacement });
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
