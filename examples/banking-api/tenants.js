import { certificateTenants } from "@certbound/express";

/** Creates functions that return the tenant of a certificate, or of a token by the certificate that it is bound to. */
export function createTenants({ ca }) {
  // Matches certificates that our CA issued for this name. The name alone proves nothing, because any CA can issue it.
  const named = (uri) => ({ issuers: [ca], subjectAlternativeNames: { uri: [uri] } });
  const ofCertificate = certificateTenants({
    acme: named("spiffe://bank.example/acme"),
    globex: named("spiffe://bank.example/globex"),
  });
  return { ofCertificate, ofToken: ({ clientCertificate }) => ofCertificate(clientCertificate) };
}
