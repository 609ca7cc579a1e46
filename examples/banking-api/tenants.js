import { certificateTenants } from "@certbound/express";

/** Creates functions that return the tenant of a certificate, or of a token by the certificate that it is bound to. */
export function createTenants({ authority }) {
  // Every certificate that our CA issued for this name. A name alone proves nothing.
  const named = (uri) => ({ issuers: [authority], subjectAlternativeNames: { uri: [uri] } });
  const ofCertificate = certificateTenants({
    acme: named("spiffe://bank.example/acme"),
    globex: named("spiffe://bank.example/globex"),
  });
  return { ofCertificate, ofToken: ({ clientCertificate }) => ofCertificate(clientCertificate) };
}
