import { createCertificateAuthority } from "@certbound/testing";
import { tlsCertificate } from "../../src/certificate/tls-certificate.ts";
import { startHttpsServer, type TlsServer } from "./tls-server.ts";

/** Issues the certificates that these endpoints accept, unless they are told otherwise. */
export const clients = await createCertificateAuthority();

/** An introspection endpoint that lets nobody in without a certificate that it trusts. */
export interface GuardedEndpoint extends TlsServer {
  /** Whose certificates came with the requests that it answered. */
  readonly thumbprints: readonly (string | undefined)[];
}

/** Starts an endpoint that says the same of every token; it ends with the test. */
export async function startGuardedEndpoint(
  answer: object,
  trusted: string = clients.certificate,
): Promise<GuardedEndpoint> {
  const thumbprints: (string | undefined)[] = [];
  const server = await startHttpsServer(
    (request, response) => {
      thumbprints.push(tlsCertificate(request)?.thumbprint);
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify(answer));
    },
    { ca: trusted, rejectUnauthorized: true },
  );
  return { ...server, thumbprints };
}
