import { X509Certificate } from "node:crypto";
import { createCertificateAuthority } from "@certbound/testing";
import { describe, expect, test } from "vitest";
import { type AlternativeNames, parseAlternativeNames } from "../../src/certificate-policy/alternative-names.ts";

const authority = await createCertificateAuthority();

async function certificateWith(...subjectAlternativeNames: string[]): Promise<X509Certificate> {
  const { certificate } = await authority.issueClientCertificate({
    commonName: "common.example",
    subjectAlternativeNames,
  });
  return new X509Certificate(certificate);
}

const named = await certificateWith(
  "DNS:client.acme.example",
  "DNS:*.wild.example",
  "DNS:urn:host",
  "URI:h2.a+b-c:d",
  "URI:spiffe://acme/client",
  'URI:urn:a"b',
  "URI:https://acme.example/,URI:https://evil.example/",
  "email:Ops@acme.example",
  "IP:192.0.2.1",
  "IP:2001:db8::1",
);
const unnamed = await certificateWith();

describe("a certificate", () => {
  test.each<[string, AlternativeNames]>([
    ["its host name", { dns: ["client.acme.example"] }],
    ["its host name in other letters", { dns: ["CLIENT.Acme.example"] }],
    ["one of several host names", { dns: ["other.example", "client.acme.example"] }],
    ["its URI", { uri: ["spiffe://acme/client"] }],
    ["one of several URIs", { uri: ["spiffe://acme/other", "spiffe://acme/client"] }],
    ["one of several mail addresses", { email: ["Other@acme.example", "Ops@acme.example"] }],
    ["one of several addresses", { ip: ["192.0.2.2", "192.0.2.1"] }],
    ["a URI whose scheme is not of letters only", { uri: ["h2.a+b-c:d"] }],
    ["no name of another kind, which is left out", { dns: undefined, uri: ["spiffe://acme/client"] }],
    ["a URI with a quote", { uri: ['urn:a"b'] }],
    ["a URI with a comma", { uri: ["https://acme.example/,URI:https://evil.example/"] }],
    ["its mail address", { email: ["Ops@acme.example"] }],
    ["its mail address at a host in other letters", { email: ["Ops@ACME.example"] }],
    ["its address", { ip: ["192.0.2.1"] }],
    ["its address in another notation", { ip: ["2001:0DB8:0::1"] }],
    ["a name of one kind of two", { dns: ["other.example"], uri: ["spiffe://acme/client"] }],
  ])("has %s", (_name, names) => {
    expect(parseAlternativeNames(names)(named)).toBe(true);
    expect(parseAlternativeNames(names)(unnamed)).toBe(false);
  });

  test.each<[string, AlternativeNames]>([
    ["another host name", { dns: ["thief.acme.example"] }],
    ["the end of its host name", { dns: ["acme.example"] }],
    ["the beginning of its host name", { dns: ["client.acme"] }],
    ["a host name that its wildcard covers", { dns: ["a.wild.example"] }],
    ["its common name", { dns: ["common.example"] }],
    ["a URI in other letters", { uri: ["spiffe://acme/Client"] }],
    ["the beginning of its URI", { uri: ["spiffe://acme/clien"] }],
    ["a URI that another one holds", { uri: ["https://evil.example/"] }],
    ["a part of such a URI", { uri: ["https://acme.example/"] }],
    ["a host name that reads like a URI", { uri: ["urn:host"] }],
    ["its host name as a URI", { uri: ["DNS:client.acme.example"] }],
    ["its mail address in other letters", { email: ["ops@acme.example"] }],
    ["another address", { ip: ["192.0.2.2"] }],
    ["its address as a host name", { dns: ["192.0.2.1"] }],
  ])("has not %s", (_name, names) => {
    expect(parseAlternativeNames(names)(named)).toBe(false);
  });

  test("has no URI when the text of its names is not as Node writes it", () => {
    const isNamed = parseAlternativeNames({ uri: ["urn:a"] });
    const withText = (subjectAltName: string): X509Certificate => ({ subjectAltName }) as X509Certificate;
    expect(isNamed(withText("DNS:b, URI:urn:a"))).toBe(true);
    expect(isNamed(withText('othername:<unsupported>, URI:"urn:a"'))).toBe(true);
    for (const text of [
      "URI:urn:a,DNS:b",
      "URI:urn:a, DNS",
      'URI:urn:a, DNS:"b',
      'URI:urn:a, DNS:"\\x"',
      " URI:urn:a",
      "URI:urn:a;",
      'URI:urn:a, URI:"\\u0"',
    ]) {
      expect([text, isNamed(withText(text))]).toStrictEqual([text, false]);
    }
  });
});

test.each<[string, unknown]>([
  ["none", {}],
  ["only undefined ones", { dns: undefined }],
  ["a list", ["client.acme.example"]],
  ["an unknown kind", { dns: ["a.example"], dirName: ["CN=a"] }],
  ["no host name", { dns: [] }],
  ["a wildcard", { dns: ["*.acme.example"] }],
  ["every host below", { dns: [".acme.example"] }],
  ["a host name with a blank", { dns: ["a example"] }],
  ["a host name that is no text", { dns: [1] }],
  ["what is no URI", { uri: ["client"] }],
  ["a URI with a line break", { uri: ["urn:a\n"] }],
  ["a URI behind a blank", { uri: [" urn:a"] }],
  ["a list in the list of addresses", { ip: [["192.0.2.1"]] }],
  ["a mail address behind a blank", { email: [" ops@acme.example"] }],
  ["a mail address before a blank", { email: ["ops@acme.example "] }],
  ["what is no mail address", { email: ["ops"] }],
  ["every address of a host", { email: ["@acme.example"] }],
  ["what is no IP address", { ip: ["192.0.2"] }],
  ["a network", { ip: ["192.0.2.0/24"] }],
])("is a TypeError: %s", (_name, names) => {
  expect(() => parseAlternativeNames(names as AlternativeNames)).toThrow(TypeError);
});

describe("names that cannot be decoded", () => {
  const isNamed = parseAlternativeNames({ dns: ["client.acme.example"], uri: ["spiffe://acme/client"] });

  test.each<[string, object]>([
    ["null, as on Node 20", { subjectAltName: null }],
    [
      "an exception, as since Node 22",
      {
        get subjectAltName(): never {
          throw new Error("ERR_CRYPTO_OPERATION_FAILED");
        },
      },
    ],
  ])("are none of the names: %s", (_how, certificate) => {
    expect(isNamed(certificate as X509Certificate)).toBe(false);
    expect(isNamed(named)).toBe(true);
  });
});
