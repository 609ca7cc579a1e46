import { X509Certificate } from "node:crypto";
import { createCertificateAuthority, createSelfSignedCertificate } from "@certbound/testing";
import { describe, expect, test } from "vitest";
import { parseClientCertificate, parseVerifiedCertificate } from "../../src/certificate/client-certificate.ts";
import type { ClientCertificate, ClientCertificateInput } from "../../src/certificate/client-certificate.ts";
import { type CertificateRules, certificateRules } from "../../src/certificate-policy/certificate-rules.ts";
import { certificateTenants } from "../../src/certificate-policy/certificate-tenants.ts";
import { AccessTokenError } from "../../src/errors.ts";
import {
  createOddCa,
  extendedKeyUsage,
  caConstraints,
  type purposes,
  undecodableAlternativeNames,
} from "../support/odd-certificates.ts";

const names = ["DNS:client.acme.example"];
const ca = await createCertificateAuthority({ commonName: "Acme CA" });
// A CA with the same name and another key.
const impostor = await createCertificateAuthority({ commonName: "Acme CA" });
const rsaCa = await createCertificateAuthority({ commonName: "Acme CA", keyType: "rsa" });
const client = await ca.issueClientCertificate({ subjectAlternativeNames: names });
const sibling = await ca.issueClientCertificate({ commonName: "sibling" });
const forged = await impostor.issueClientCertificate({ subjectAlternativeNames: names });
const selfSigned = await createSelfSignedCertificate({ subjectAlternativeNames: names });

function parsed(input: ClientCertificateInput): ClientCertificate {
  const certificate = parseClientCertificate(input);
  if (certificate === undefined) throw new Error("the input contains no certificate");
  return certificate;
}

function verdict(rules: CertificateRules, certificate: ClientCertificate): unknown {
  const decision = certificateRules(rules)(certificate, { claims: {}, now: 0 });
  return decision instanceof AccessTokenError ? decision.code : decision;
}

const UNTRUSTED = "ERR_CERTIFICATE_UNTRUSTED";
const dns = { dns: ["client.acme.example"] };

describe("certificateRules", () => {
  const own = parsed(client.certificate);

  test("selects certificates by their thumbprint", () => {
    const rules = { thumbprints: [sibling.thumbprint, client.thumbprint] };
    expect(verdict(rules, own)).toBe(true);
    expect(verdict(rules, parsed({ thumbprint: client.thumbprint }))).toBe(true);
    expect(verdict(rules, parsed(forged.certificate))).toBe(UNTRUSTED);
  });

  test("selects certificates by their verified chain", () => {
    const rules = { chainVerified: true } as const;
    expect(verdict(rules, parseVerifiedCertificate(client.certificate) ?? own)).toBe(true);
    expect(verdict(rules, own)).toBe(UNTRUSTED);
  });

  test("selects certificates by the name and the signature of their issuer", () => {
    const rules = { issuers: [ca.certificate] };
    expect(verdict(rules, own)).toBe(true);
    expect(verdict(rules, parsed(sibling.certificate))).toBe(true);
    expect(verdict(rules, parsed(forged.certificate))).toBe(UNTRUSTED);
    expect(verdict(rules, parsed(selfSigned.certificate))).toBe(UNTRUSTED);
    expect(verdict({ issuers: [impostor.certificate, ca.certificate] }, own)).toBe(true);
    expect(verdict({ issuers: [impostor.certificate, rsaCa.certificate] }, own)).toBe(UNTRUSTED);
  });

  test.each<[string, ClientCertificateInput]>([
    ["base64 DER", new X509Certificate(ca.certificate).raw.toString("base64")],
    ["bytes", new X509Certificate(ca.certificate).raw],
    ["an X509Certificate", new X509Certificate(ca.certificate)],
  ])("accepts an issuer as %s", (_form, issuer) => {
    const rules = { issuers: [issuer as string] };
    expect(verdict(rules, own)).toBe(true);
    expect(verdict(rules, parsed(forged.certificate))).toBe(UNTRUSTED);
  });

  test("selects certificates by their alternative names together with their issuer", () => {
    const rules = { issuers: [ca.certificate], subjectAlternativeNames: dns };
    expect(verdict(rules, own)).toBe(true);
    expect(verdict(rules, parsed(sibling.certificate))).toBe(UNTRUSTED);
    expect(verdict(rules, parsed(forged.certificate))).toBe(UNTRUSTED);
    expect(verdict(rules, parsed(selfSigned.certificate))).toBe(UNTRUSTED);
  });

  test("selects certificates by their alternative names together with thumbprints or chainVerified", () => {
    const listed = { thumbprints: [client.thumbprint, sibling.thumbprint], subjectAlternativeNames: dns };
    expect(verdict(listed, own)).toBe(true);
    expect(verdict(listed, parsed(sibling.certificate))).toBe(UNTRUSTED);
    const verified = { chainVerified: true, subjectAlternativeNames: dns } as const;
    const [withVerifiedChain, another] = [client, sibling].map(({ der }) => parseVerifiedCertificate(der) ?? own);
    expect(verdict(verified, withVerifiedChain ?? own)).toBe(true);
    expect(verdict(verified, another ?? own)).toBe(UNTRUSTED);
    expect(verdict(verified, own)).toBe(UNTRUSTED);
  });

  test.each<[RegExp, CertificateRules, ClientCertificate]>([
    [/chain was not verified/, { chainVerified: true }, own],
    [/thumbprint is not on the list/, { thumbprints: [sibling.thumbprint] }, own],
    [/issuers on the list/, { issuers: [impostor.certificate] }, own],
    [
      /alternative names on the list/,
      { thumbprints: [client.thumbprint], subjectAlternativeNames: { ip: ["::1"] } },
      own,
    ],
    [
      /^issuers needs the certificate itself, but only its thumbprint is known/,
      { issuers: [ca.certificate] },
      parsed({ thumbprint: client.thumbprint }),
    ],
    [
      /^currentlyValid needs the certificate itself, but only its thumbprint is known/,
      { currentlyValid: true },
      parsed({ thumbprint: client.thumbprint }),
    ],
    [/not valid yet/, { currentlyValid: true }, own],
    [/none of the tenants/, { tenant: { resolve: () => undefined, claim: null } }, own],
    [/different tenants/, { tenant: { resolve: () => "acme", claim: "tenant_id" } }, own],
  ])("gives the reason of a rejection in its detail: %s", (detail, rules, certificate) => {
    expect(certificateRules(rules)(certificate, { claims: {}, now: 0 })).toMatchObject({
      detail: expect.stringMatching(detail),
    });
  });

  test("selects certificates without x509 only by their thumbprint and chain", () => {
    const { thumbprint } = client;
    const withoutX509 = parsed({ thumbprint, chainVerified: true });
    expect(verdict({ thumbprints: [thumbprint], chainVerified: true }, withoutX509)).toBe(true);
    expect(verdict({ issuers: [ca.certificate] }, withoutX509)).toBe(UNTRUSTED);
    expect(verdict({ chainVerified: true, subjectAlternativeNames: dns }, withoutX509)).toBe(UNTRUSTED);
    expect(verdict({ currentlyValid: true }, withoutX509)).toBe(UNTRUSTED);
  });

  test("accepts issuers as a bundle of CA certificates with text before each", () => {
    const bundle = [impostor, ca].map(({ certificate }) => `# a CA\n${certificate}`).join("");
    expect(verdict({ issuers: [bundle] }, own)).toBe(true);
    expect(verdict({ issuers: [`# a CA\n${impostor.certificate}`] }, own)).toBe(UNTRUSTED);
  });

  test("requires that all given rules match", () => {
    const rules = { thumbprints: [client.thumbprint], issuers: [ca.certificate], chainVerified: true } as const;
    const verified = parsed({ ...own, x509: own.x509, chainVerified: true });
    expect(verdict(rules, verified)).toBe(true);
    expect(verdict(rules, own)).toBe(UNTRUSTED);
    expect(verdict({ ...rules, thumbprints: [sibling.thumbprint] }, verified)).toBe(UNTRUSTED);
    expect(verdict({ ...rules, issuers: [impostor.certificate] }, verified)).toBe(UNTRUSTED);
  });

  test("returns the same result for repeated calls, separately for each set of rules", () => {
    const [listed, other] = [{ thumbprints: [client.thumbprint] }, { thumbprints: [sibling.thumbprint] }];
    const [policy, strict] = [certificateRules(listed), certificateRules(other)];
    const context = { claims: {}, now: 0 };
    for (let round = 0; round < 3; round += 1) {
      expect(policy(own, context)).toBe(true);
      expect(strict(own, context)).toBeInstanceOf(AccessTokenError);
    }
  });
});

test.each<[string, unknown, RegExp]>([
  ["undefined", undefined, /certificate rules must be an object/],
  ["without rules", {}, /at least one rule/],
  ["only undefined rules", { chainVerified: undefined }, /at least one rule/],
  ["an unknown rule", { chainVerifed: true }, /unknown option "chainVerifed"/],
  ["chainVerified: false", { chainVerified: false }, /"chainVerified" .* must be true/],
  ["currentlyValid: false", { currentlyValid: false }, /"currentlyValid" .* must be true/],
  ["an empty list of thumbprints", { thumbprints: [] }, /"thumbprints"/],
  [
    "the hash of an empty input as a thumbprint",
    { thumbprints: ["47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"] },
    /"thumbprints"/,
  ],
  ["a list in the list of thumbprints", { thumbprints: [[client.thumbprint]] }, /"thumbprints"/],
  ["a thumbprint in hexadecimal digits", { thumbprints: ["a".repeat(64)] }, /"thumbprints"/],
  ["an empty list of issuers", { issuers: [] }, /"issuers"/],
  ["an issuer that is not a CA", { issuers: [selfSigned.certificate] }, /"issuers"/],
  ["an issuer that is a name", { issuers: ["CN=Acme CA"] }, /"issuers"/],
  ["an issuer by its thumbprint", { issuers: [{ thumbprint: selfSigned.thumbprint }] }, /"issuers"/],
  ["an issuer that is null", { issuers: [null] }, /"issuers"/],
  ["a file with a CA and a client certificate", { issuers: [ca.certificate + client.certificate] }, /"issuers"/],
  [
    "a file with a CA certificate and an incomplete one",
    { issuers: [ca.certificate + impostor.certificate.slice(0, 300)] },
    /"issuers"/,
  ],
  ["a file without a certificate", { issuers: ["Bag Attributes\n"] }, /"issuers"/],
  [
    "only subjectAlternativeNames",
    { subjectAlternativeNames: dns },
    /also needs chainVerified, issuers or thumbprints: anyone/,
  ],
  [
    "only subjectAlternativeNames and currentlyValid",
    { currentlyValid: true, subjectAlternativeNames: dns },
    /also needs chainVerified/,
  ],
  ["empty subjectAlternativeNames", { chainVerified: true, subjectAlternativeNames: {} }, /at least one name/],
])("certificateRules throws a TypeError: %s", (_case, rules, message) => {
  expect(() => certificateRules(rules as CertificateRules)).toThrow(TypeError);
  expect(() => certificateRules(rules as CertificateRules)).toThrow(message);
});

describe("a certificate from an issuer on the list", () => {
  test.each<[string, boolean, readonly (keyof typeof purposes)[]]>([
    ["client authentication", true, ["clientAuth"]],
    ["any purpose", true, ["any"]],
    ["server and client authentication", true, ["serverAuth", "clientAuth"]],
    ["server authentication", false, ["serverAuth"]],
    ["code signing", false, ["codeSigning"]],
    ["server authentication and code signing", false, ["serverAuth", "codeSigning"]],
  ])(
    "is accepted only if its extended key usage permits client authentication: %s has the result %s",
    (_usage, isAccepted, usages) => {
      const oddCa = createOddCa();
      const certificate = parsed(oddCa.issue(extendedKeyUsage(...usages)));
      expect(verdict({ issuers: [oddCa.certificate] }, certificate)).toBe(isAccepted || UNTRUSTED);
      // Only the rule issuers checks the purpose.
      expect(verdict({ thumbprints: [certificate.thumbprint] }, certificate)).toBe(true);
    },
  );

  test("is accepted without an extended key usage, and rejected if it is a CA certificate", () => {
    const oddCa = createOddCa();
    const issuers = [oddCa.certificate];
    expect(verdict({ issuers }, parsed(oddCa.issue()))).toBe(true);
    const subordinate = parsed(oddCa.issue(caConstraints()));
    expect(verdict({ issuers }, subordinate)).toBe(UNTRUSTED);
    expect(verdict({ thumbprints: [subordinate.thumbprint] }, subordinate)).toBe(true);
  });

  test("is rejected if it is the issuer itself, with the advice to list its thumbprint", () => {
    const itself = parsed(ca.certificate);
    const decision = certificateRules({ issuers: [ca.certificate] })(itself, { claims: {}, now: 0 });
    expect(decision).toMatchObject({ code: UNTRUSTED, detail: expect.stringContaining("thumbprints") });
    expect(verdict({ thumbprints: [itself.thumbprint] }, itself)).toBe(true);
    expect(verdict({ chainVerified: true }, parseVerifiedCertificate(ca.certificate) ?? itself)).toBe(true);
  });

  test("is rejected if it is a server certificate", async () => {
    const server = await ca.issueServerCertificate();
    expect(verdict({ issuers: [ca.certificate] }, parsed(server.certificate))).toBe(UNTRUSTED);
  });
});

describe("alternative names that Node cannot decode", () => {
  test.each([
    ["dns", { dns: ["ogn.us"] }],
    ["uri", { uri: ["spiffe://acme.example/payments"] }],
    ["email", { email: ["client@acme.example"] }],
    ["ip", { ip: ["192.0.2.1"] }],
  ])("are rejected by a rule for %s, and have no tenant", async (_kind, subjectAlternativeNames) => {
    const oddCa = createOddCa();
    const certificate = parsed(oddCa.issue(undecodableAlternativeNames()));
    const listed = { thumbprints: [certificate.thumbprint] };
    const selection = { ...listed, subjectAlternativeNames };
    expect(verdict(selection, certificate)).toBe(UNTRUSTED);
    expect(certificateTenants({ acme: selection })(certificate)).toBeUndefined();
    expect(verdict(listed, certificate)).toBe(true);
    expect(certificateTenants({ acme: listed })(certificate)).toBe("acme");
  });
});
