import { expect, test } from "vitest";
import { readCertificateNames } from "../../src/certificates/certificate-names.ts";
import { createSelfSignedCertificate } from "../../src/certificates/certificate-authority.ts";

const names = ["DNS:client.example", "IP:10.0.0.1", "URI:spiffe://a/b,c;d", "email:a@example.com"];

test("reads the names that a certificate was issued with", async () => {
  const commonName = "a, CN=b";
  const { certificate } = await createSelfSignedCertificate({ commonName, subjectAlternativeNames: names });
  expect(readCertificateNames(certificate)).toEqual({ commonName, subjectAlternativeNames: names });
});

test("returns no alternative names if the certificate has none", async () => {
  const { certificate } = await createSelfSignedCertificate();
  expect(readCertificateNames(certificate)).toEqual({ commonName: "client-1", subjectAlternativeNames: [] });
});
