import { certificateTenants } from "@certbound/express";

/** Creates two functions: one returns the tenant of a certificate, the other that of the certificate a token is bound to. */
export function createTenants({ ca }) {
  // Matches certificates that our CA issued for this name. The name alone proves nothing, because any CA can issue a certificate for it.
  const named = (uri) => ({ issuers: [ca], subjectAlternativeNames: { uri: [uri] } });
  const ofCertificate = certificateTenants({
    acme: named("spiffe://bank.example/acme"),
    globex: named("spiffe://bank.example/globex"),
  });
  return { ofCertificate, ofToken: ({ clientCertificate }) => ofCertificate(clientCertificate) };
}
