import { createCertificateAuthority } from "@certbound/testing";
import { tlsCertificate } from "../../src/certificate/tls-certificate.ts";
import { startHttpsServer, type TlsServer } from "./tls-server.ts";

/** The CA whose certificates these endpoints accept by default. */
export const clients = await createCertificateAuthority();

/** An introspection endpoint that requires a client certificate of a trusted CA. */
export interface GuardedEndpoint extends TlsServer {
  /** The thumbprints of the client certificates, one for each request. */
  readonly thumbprints: readonly (string | undefined)[];
}

/** Starts an endpoint with the same response for every token; it is closed after the test. */
export async function startGuardedEndpoint(
  document: object,
  trusted: string = clients.certificate,
): Promise<GuardedEndpoint> {
  const thumbprints: (string | undefined)[] = [];
  const server = await startHttpsServer(
    (request, response) => {
      thumbprints.push(tlsCertificate(request)?.thumbprint);
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify(document));
    },
    { ca: trusted, rejectUnauthorized: true },
  );
  return { ...server, thumbprints };
}
