import { createCertificateAuthority } from "@certbound/testing";
import { startApis } from "./apis.mjs";
import { createSigner, Issuer } from "./issuer.mjs";
import { createKinds } from "./kinds.mjs";

/**
 * Starts an issuer and the APIs, which have its first key, on loopback.
 *
 * @param {number} outages the number of outages, each with a new key
 */
export async function createStage(outages) {
  const issuer = new Issuer();
  // Everything else ends together with this process.
  process.once("exit", () => void issuer.end());
  await issuer.start();
  const first = await createSigner(issuer.url);
  const others = await Promise.all(Array.from({ length: outages }, () => createSigner(issuer.url)));
  await issuer.publish(first.key);

  const authority = await createCertificateAuthority();
  const [server, client, thief] = await Promise.all([
    authority.issueServerCertificate(),
    authority.issueClientCertificate(),
    authority.issueClientCertificate({ commonName: "thief" }),
  ]);
  const ca = authority.certificate;
  const apis = await startApis(
    { key: server.key, cert: server.certificate, ca, requestCert: true, rejectUnauthorized: true },
    { issuer, audience: first.audience },
  );
  await Promise.all(apis.map(({ ready }) => ready()));

  return {
    issuer,
    apis,
    ca,
    /** The keys that are added, one for each outage. */
    newKeys: others.map(({ key }) => key),
    kinds: await createKinds({ issuer: issuer.url, first, others, client, thief }),
    close: async () => {
      await Promise.all([issuer.end(), ...apis.map(({ close }) => close())]);
    },
  };
}
