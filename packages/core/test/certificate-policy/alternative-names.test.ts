import { X509Certificate } from "node:crypto";
import { createCertificateAuthority } from "@certbound/testing";
import { describe, expect, test } from "vitest";
import { type AlternativeNames, parseAlternativeNames } from "../../src/certificate-policy/alternative-names.ts";

const ca = await createCertificateAuthority();

async function certificateWith(...subjectAlternativeNames: string[]): Promise<X509Certificate> {
  const { certificate } = await ca.issueClientCertificate({
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
    ["its host name in different case", { dns: ["CLIENT.Acme.example"] }],
    ["one of several host names", { dns: ["other.example", "client.acme.example"] }],
    ["its URI", { uri: ["spiffe://acme/client"] }],
    ["one of several URIs", { uri: ["spiffe://acme/other", "spiffe://acme/client"] }],
    ["one of several mail addresses", { email: ["Other@acme.example", "Ops@acme.example"] }],
    ["one of several IP addresses", { ip: ["192.0.2.2", "192.0.2.1"] }],
    ["a URI whose scheme contains digits and signs", { uri: ["h2.a+b-c:d"] }],
    ["its URI, with an undefined list of host names", { dns: undefined, uri: ["spiffe://acme/client"] }],
    ["a URI with a quote", { uri: ['urn:a"b'] }],
    ["a URI with a comma", { uri: ["https://acme.example/,URI:https://evil.example/"] }],
    ["its mail address", { email: ["Ops@acme.example"] }],
    ["its mail address with the host in different case", { email: ["Ops@ACME.example"] }],
    ["its IP address", { ip: ["192.0.2.1"] }],
    ["its IP address in another notation", { ip: ["2001:0DB8:0::1"] }],
    ["a name of one of two given kinds", { dns: ["other.example"], uri: ["spiffe://acme/client"] }],
  ])("matches %s", (_name, names) => {
    expect(parseAlternativeNames(names)(named)).toBe(true);
    expect(parseAlternativeNames(names)(unnamed)).toBe(false);
  });

  test.each<[string, AlternativeNames]>([
    ["another host name", { dns: ["thief.acme.example"] }],
    ["the end of its host name", { dns: ["acme.example"] }],
    ["the beginning of its host name", { dns: ["client.acme"] }],
    ["a host name that its wildcard covers", { dns: ["a.wild.example"] }],
    ["its common name", { dns: ["common.example"] }],
    ["its URI in different case", { uri: ["spiffe://acme/Client"] }],
    ["the beginning of its URI", { uri: ["spiffe://acme/clien"] }],
    ["a URI inside another URI", { uri: ["https://evil.example/"] }],
    ["the first part of a URI with a comma", { uri: ["https://acme.example/"] }],
    ["a host name that looks like a URI, as a URI", { uri: ["urn:host"] }],
    ["its host name as a URI", { uri: ["DNS:client.acme.example"] }],
    ["its mail address with the local part in different case", { email: ["ops@acme.example"] }],
    ["another IP address", { ip: ["192.0.2.2"] }],
    ["its IP address as a host name", { dns: ["192.0.2.1"] }],
  ])("does not match %s", (_name, names) => {
    expect(parseAlternativeNames(names)(named)).toBe(false);
  });

  test("does not match a URI if the text of its names is not in Node's format", () => {
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
  ["without names", {}],
  ["only undefined members", { dns: undefined }],
  ["a list", ["client.acme.example"]],
  ["an unknown kind", { dns: ["a.example"], dirName: ["CN=a"] }],
  ["an empty list of host names", { dns: [] }],
  ["a wildcard", { dns: ["*.acme.example"] }],
  ["a host name with a leading dot", { dns: [".acme.example"] }],
  ["a host name with a space", { dns: ["a example"] }],
  ["a host name that is not a string", { dns: [1] }],
  ["a text that is not a URI", { uri: ["client"] }],
  ["a URI with a line break", { uri: ["urn:a\n"] }],
  ["a URI with a leading space", { uri: [" urn:a"] }],
  ["a list in the list of IP addresses", { ip: [["192.0.2.1"]] }],
  ["a mail address with a leading space", { email: [" ops@acme.example"] }],
  ["a mail address with a trailing space", { email: ["ops@acme.example "] }],
  ["a text that is not a mail address", { email: ["ops"] }],
  ["a mail address without a local part", { email: ["@acme.example"] }],
  ["a text that is not an IP address", { ip: ["192.0.2"] }],
  ["a network", { ip: ["192.0.2.0/24"] }],
])("parseAlternativeNames throws a TypeError: %s", (_name, names) => {
  expect(() => parseAlternativeNames(names as AlternativeNames)).toThrow(TypeError);
});

describe("names that Node cannot decode", () => {
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
  ])("do not match: %s", (_how, certificate) => {
    expect(isNamed(certificate as X509Certificate)).toBe(false);
    expect(isNamed(named)).toBe(true);
  });
});
