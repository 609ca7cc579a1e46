// Replaces a certificate authority and an authorization server while you try things out. Stop it with Ctrl-C.

import { writeFileSync } from "node:fs";
import { createCertificateAuthority, createIssuer } from "@certbound/testing";

const [ca, issuer] = await Promise.all([createCertificateAuthority(), createIssuer()]);
const identities = {
  server: await ca.issueServerCertificate(),
  client: await ca.issueClientCertificate(),
  thief: await ca.issueClientCertificate({ commonName: "thief" }),
};
for (const [name, { certificate, key }] of Object.entries(identities)) {
  writeFileSync(`${name}.pem`, certificate);
  writeFileSync(`${name}-key.pem`, key, { mode: 0o600 });
}
writeFileSync("ca.pem", ca.certificate);
const token = await issuer.accessToken({ boundTo: identities.client, expiresIn: 3600 });
writeFileSync("token.txt", token, { mode: 0o600 });
writeFileSync("issuer.txt", issuer.issuer);
console.log(issuer.issuer);
