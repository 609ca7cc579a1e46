import { certificateTenants } from "@certbound/express";

/** Creates what tells the tenant of an accepted token, by the certificate that it is bound to. */
export function createTenants({ authority }) {
  // Every certificate that our authority issued for this name; a name by itself proves nothing.
  const named = (uri) => ({ issuers: [authority], subjectAlternativeNames: { uri: [uri] } });
  const ofCertificate = certificateTenants({
    acme: named("spiffe://bank.example/acme"),
    globex: named("spiffe://bank.example/globex"),
  });
  return { ofCertificate, ofToken: ({ clientCertificate }) => ofCertificate(clientCertificate) };
}
