import { X509Certificate } from "node:crypto";
import { createCertificateAuthority, createSelfSignedCertificate } from "@certbound/testing";
import { describe, expect, test } from "vitest";
import { parseClientCertificate, parseVerifiedCertificate } from "../../src/certificate/client-certificate.ts";
import type { ClientCertificate, ClientCertificateInput } from "../../src/certificate/client-certificate.ts";
import { type CertificateRules, certificateRules } from "../../src/certificate-policy/certificate-rules.ts";
import { certificateTenants } from "../../src/certificate-policy/certificate-tenants.ts";
import { AccessTokenError } from "../../src/errors.ts";
import {
  createOddAuthority,
  extendedKeyUsage,
  ofAuthority,
  type purposes,
  undecodableAlternativeNames,
} from "../support/odd-certificates.ts";

const names = ["DNS:client.acme.example"];
const authority = await createCertificateAuthority({ commonName: "Acme CA" });
// The same name and another key.
const impostor = await createCertificateAuthority({ commonName: "Acme CA" });
const rsaAuthority = await createCertificateAuthority({ commonName: "Acme CA", keyType: "rsa" });
const client = await authority.issueClientCertificate({ subjectAlternativeNames: names });
const sibling = await authority.issueClientCertificate({ commonName: "sibling" });
const forged = await impostor.issueClientCertificate({ subjectAlternativeNames: names });
const selfSigned = await createSelfSignedCertificate({ subjectAlternativeNames: names });

function parsed(input: ClientCertificateInput): ClientCertificate {
  const certificate = parseClientCertificate(input);
  if (certificate === undefined) throw new Error("there is no certificate");
  return certificate;
}

function verdict(rules: CertificateRules, certificate: ClientCertificate): unknown {
  const decision = certificateRules(rules)(certificate, { claims: {}, now: 0 });
  return decision instanceof AccessTokenError ? decision.code : decision;
}

const UNTRUSTED = "ERR_CERTIFICATE_UNTRUSTED";
const dns = { dns: ["client.acme.example"] };

describe("certificates", () => {
  const own = parsed(client.certificate);

  test("by their thumbprint", () => {
    const rules = { thumbprints: [sibling.thumbprint, client.thumbprint] };
    expect(verdict(rules, own)).toBe(true);
    expect(verdict(rules, parsed({ thumbprint: client.thumbprint }))).toBe(true);
    expect(verdict(rules, parsed(forged.certificate))).toBe(UNTRUSTED);
  });

  test("by their verified chain", () => {
    const rules = { chainVerified: true } as const;
    expect(verdict(rules, parseVerifiedCertificate(client.certificate) ?? own)).toBe(true);
    expect(verdict(rules, own)).toBe(UNTRUSTED);
  });

  test("by who issued them: the name and the signature", () => {
    const rules = { issuers: [authority.certificate] };
    expect(verdict(rules, own)).toBe(true);
    expect(verdict(rules, parsed(sibling.certificate))).toBe(true);
    expect(verdict(rules, parsed(forged.certificate))).toBe(UNTRUSTED);
    expect(verdict(rules, parsed(selfSigned.certificate))).toBe(UNTRUSTED);
    expect(verdict({ issuers: [impostor.certificate, authority.certificate] }, own)).toBe(true);
    expect(verdict({ issuers: [impostor.certificate, rsaAuthority.certificate] }, own)).toBe(UNTRUSTED);
  });

  test.each<[string, ClientCertificateInput]>([
    ["base64 DER", new X509Certificate(authority.certificate).raw.toString("base64")],
    ["bytes", new X509Certificate(authority.certificate).raw],
    ["an X509Certificate", new X509Certificate(authority.certificate)],
  ])("by an issuer that is given as %s", (_form, issuer) => {
    const rules = { issuers: [issuer as string] };
    expect(verdict(rules, own)).toBe(true);
    expect(verdict(rules, parsed(forged.certificate))).toBe(UNTRUSTED);
  });

  test("by their alternative names, beside who vouches for them", () => {
    const rules = { issuers: [authority.certificate], subjectAlternativeNames: dns };
    expect(verdict(rules, own)).toBe(true);
    expect(verdict(rules, parsed(sibling.certificate))).toBe(UNTRUSTED);
    expect(verdict(rules, parsed(forged.certificate))).toBe(UNTRUSTED);
    expect(verdict(rules, parsed(selfSigned.certificate))).toBe(UNTRUSTED);
  });

  test("by their alternative names, of which a thumbprint or a verified chain tells enough", () => {
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
    [/only the thumbprint is known/, { issuers: [authority.certificate] }, parsed({ thumbprint: client.thumbprint })],
    [/only the thumbprint is known/, { currentlyValid: true }, parsed({ thumbprint: client.thumbprint })],
    [/not valid yet/, { currentlyValid: true }, own],
    [/none of the tenants/, { tenant: { resolve: () => undefined, claim: null } }, own],
    [/another tenant/, { tenant: { resolve: () => "acme", claim: "tenant_id" } }, own],
  ])("and the detail of a rejection says by which rule: %s", (detail, rules, certificate) => {
    expect(certificateRules(rules)(certificate, { claims: {}, now: 0 })).toMatchObject({
      detail: expect.stringMatching(detail),
    });
  });

  test("only by their thumbprint and chain, where nothing else is known of them", () => {
    const { thumbprint } = client;
    const known = parsed({ thumbprint, chainVerified: true });
    expect(verdict({ thumbprints: [thumbprint], chainVerified: true }, known)).toBe(true);
    expect(verdict({ issuers: [authority.certificate] }, known)).toBe(UNTRUSTED);
    expect(verdict({ chainVerified: true, subjectAlternativeNames: dns }, known)).toBe(UNTRUSTED);
    expect(verdict({ currentlyValid: true }, known)).toBe(UNTRUSTED);
  });

  test("by a bundle of CA certificates, with text before each", () => {
    const bundle = [impostor, authority].map(({ certificate }) => `# a CA\n${certificate}`).join("");
    expect(verdict({ issuers: [bundle] }, own)).toBe(true);
    expect(verdict({ issuers: [`# a CA\n${impostor.certificate}`] }, own)).toBe(UNTRUSTED);
  });

  test("by all that is given", () => {
    const rules = { thumbprints: [client.thumbprint], issuers: [authority.certificate], chainVerified: true } as const;
    const verified = parsed({ ...own, x509: own.x509, chainVerified: true });
    expect(verdict(rules, verified)).toBe(true);
    expect(verdict(rules, own)).toBe(UNTRUSTED);
    expect(verdict({ ...rules, thumbprints: [sibling.thumbprint] }, verified)).toBe(UNTRUSTED);
    expect(verdict({ ...rules, issuers: [impostor.certificate] }, verified)).toBe(UNTRUSTED);
  });

  test("with the same answer when they are asked about again, by each set of rules for itself", () => {
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
  ["nothing", undefined, /certificate rules must be an object/],
  ["no rule", {}, /at least one rule/],
  ["only undefined rules", { chainVerified: undefined }, /at least one rule/],
  ["an unknown rule", { chainVerifed: true }, /unknown option "chainVerifed"/],
  ["a chain that need not be verified", { chainVerified: false }, /"chainVerified" .* must be true/],
  ["a validity that does not matter", { currentlyValid: false }, /"currentlyValid" .* must be true/],
  ["no thumbprint", { thumbprints: [] }, /"thumbprints"/],
  ["the thumbprint of nothing", { thumbprints: ["47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"] }, /"thumbprints"/],
  ["a list in the list of thumbprints", { thumbprints: [[client.thumbprint]] }, /"thumbprints"/],
  ["a thumbprint in hexadecimal digits", { thumbprints: ["a".repeat(64)] }, /"thumbprints"/],
  ["no issuer", { issuers: [] }, /"issuers"/],
  ["an issuer that is no CA", { issuers: [selfSigned.certificate] }, /"issuers"/],
  ["an issuer that is a name", { issuers: ["CN=Acme CA"] }, /"issuers"/],
  ["an issuer by its thumbprint", { issuers: [{ thumbprint: selfSigned.thumbprint }] }, /"issuers"/],
  ["an issuer that is null", { issuers: [null] }, /"issuers"/],
  ["a file of a CA and a client", { issuers: [authority.certificate + client.certificate] }, /"issuers"/],
  [
    "a file of a CA and a part of one",
    { issuers: [authority.certificate + impostor.certificate.slice(0, 300)] },
    /"issuers"/,
  ],
  ["a file without a certificate", { issuers: ["Bag Attributes\n"] }, /"issuers"/],
  [
    "names that nobody vouches for",
    { subjectAlternativeNames: dns },
    /also needs chainVerified, issuers or thumbprints: anyone/,
  ],
  [
    "such names of a valid certificate",
    { currentlyValid: true, subjectAlternativeNames: dns },
    /also needs chainVerified/,
  ],
  ["names of none", { chainVerified: true, subjectAlternativeNames: {} }, /at least one name/],
])("is a TypeError: %s", (_case, rules, message) => {
  expect(() => certificateRules(rules as CertificateRules)).toThrow(TypeError);
  expect(() => certificateRules(rules as CertificateRules)).toThrow(message);
});

describe("a certificate of an issuer on the list", () => {
  test.each<[string, boolean, readonly (keyof typeof purposes)[]]>([
    ["client authentication", true, ["clientAuth"]],
    ["any purpose", true, ["any"]],
    ["server and client authentication", true, ["serverAuth", "clientAuth"]],
    ["server authentication", false, ["serverAuth"]],
    ["code signing", false, ["codeSigning"]],
    ["server authentication and code signing", false, ["serverAuth", "codeSigning"]],
  ])("with an extended key usage for %s is accepted: %s", (_usage, isAccepted, usages) => {
    const odd = createOddAuthority();
    const certificate = parsed(odd.issue(extendedKeyUsage(...usages)));
    expect(verdict({ issuers: [odd.certificate] }, certificate)).toBe(isAccepted || UNTRUSTED);
    // Only issuers looks at the purpose.
    expect(verdict({ thumbprints: [certificate.thumbprint] }, certificate)).toBe(true);
  });

  test("is accepted without an extended key usage, and rejected when it is a CA's", () => {
    const odd = createOddAuthority();
    const issuers = [odd.certificate];
    expect(verdict({ issuers }, parsed(odd.issue()))).toBe(true);
    const subordinate = parsed(odd.issue(ofAuthority()));
    expect(verdict({ issuers }, subordinate)).toBe(UNTRUSTED);
    expect(verdict({ thumbprints: [subordinate.thumbprint] }, subordinate)).toBe(true);
  });

  test("is not that of the issuer itself: a detail says to list its thumbprint", () => {
    const itself = parsed(authority.certificate);
    const decision = certificateRules({ issuers: [authority.certificate] })(itself, { claims: {}, now: 0 });
    expect(decision).toMatchObject({ code: UNTRUSTED, detail: expect.stringContaining("thumbprints") });
    expect(verdict({ thumbprints: [itself.thumbprint] }, itself)).toBe(true);
    expect(verdict({ chainVerified: true }, parseVerifiedCertificate(authority.certificate) ?? itself)).toBe(true);
  });

  test("is not the certificate of a server", async () => {
    const server = await authority.issueServerCertificate();
    expect(verdict({ issuers: [authority.certificate] }, parsed(server.certificate))).toBe(UNTRUSTED);
  });
});

describe("alternative names that Node cannot decode", () => {
  test.each([
    ["dns", { dns: ["ogn.us"] }],
    ["uri", { uri: ["spiffe://acme.example/payments"] }],
    ["email", { email: ["client@acme.example"] }],
    ["ip", { ip: ["192.0.2.1"] }],
  ])(
    "are rejected by a rule for %s, and certificateTenants finds no tenant",
    async (_kind, subjectAlternativeNames) => {
      const odd = createOddAuthority();
      const certificate = parsed(odd.issue(undecodableAlternativeNames()));
      const listed = { thumbprints: [certificate.thumbprint] };
      const selection = { ...listed, subjectAlternativeNames };
      expect(verdict(selection, certificate)).toBe(UNTRUSTED);
      expect(certificateTenants({ acme: selection })(certificate)).toBeUndefined();
      expect(verdict(listed, certificate)).toBe(true);
      expect(certificateTenants({ acme: listed })(certificate)).toBe("acme");
    },
  );
});
