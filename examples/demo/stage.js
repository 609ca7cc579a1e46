import { createCertificateAuthority, createIssuer, startServer } from "@certbound/testing";
import { createExpressApi } from "./express-api.js";
import { createFastifyApi } from "./fastify-api.js";

/**
 * Creates everything that the demo needs, on loopback: a CA, two clients, an issuer that serves its keys over HTTP, another
 * issuer whose keys cannot be fetched, and the two APIs.
 */
export async function createStage({ onRejected }) {
  const ca = await createCertificateAuthority();
  const [server, client, thief] = await Promise.all([
    ca.issueServerCertificate(),
    ca.issueClientCertificate({ commonName: "client-1" }),
    ca.issueClientCertificate({ commonName: "thief" }),
  ]);
  const issuer = await createIssuer();
  const unreachable = await createIssuer();
  await unreachable.close();

  const tls = {
    key: server.key,
    cert: server.certificate,
    ca: ca.certificate,
    requestCert: true,
    // Lets clients without a certificate connect, so that the API can reject them with 401.
    rejectUnauthorized: false,
    // TLS 1.3 has no renegotiation.
    minVersion: "TLSv1.3",
  };
  const { audience } = issuer;
  const protection = { issuer: [issuer, unreachable].map((each) => ({ issuer: each.issuer, audience })), onRejected };
  const apis = [
    { name: "Express", ...(await startServer(createExpressApi({ tls, protection }))) },
    { name: "Fastify", ...(await startServer(await createFastifyApi({ tls, protection }))) },
  ];
  const close = () => Promise.all([...apis, issuer].map((each) => each.close()));
  return { ca, client, thief, issuer, unreachable, apis, close };
}
