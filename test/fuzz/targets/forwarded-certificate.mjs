import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  AccessTokenError,
  apache,
  awsAlb,
  azureAppService,
  azureContainerApps,
  caddy,
  cloudFoundry,
  cloudFront,
  cloudflare,
  envoy,
  forwardedHeader,
  fromProxy,
  gcp,
  haproxy,
  kong,
  nginx,
  openShift,
  rfc9440,
  traefik,
} from "../../../packages/core/dist/index.js";

/**
 * Each format, and whether its value holds certificates or the hash of one.
 *
 * @type {readonly (readonly [import("@certbound/core").ForwardedCertificateFormat, (value: string) => string[]])[]}
 */
const formats = [
  [rfc9440(), hashesOfCertificates],
  [nginx(), hashesOfCertificates],
  [kong({ dangerouslyAssumeHeaderStripped: true }), hashesOfCertificates],
  [haproxy(), hashesOfCertificates],
  [haproxy({ encoding: "sha256-hex" }), hashes],
  [haproxy({ encoding: "sha256-base64url" }), hashes],
  [openShift(), hashesOfCertificates],
  [apache(), hashesOfCertificates],
  [caddy(), hashesOfCertificates],
  [envoy(), hashOfElement(0)],
  [envoy({ elements: 2 }), hashOfElement(1)],
  [envoy({ elements: 2, index: 0, lastHopUri: "spiffe://mesh/gateway" }), hashOfElement(0)],
  [azureContainerApps(), hashOfElement(0)],
  [cloudFoundry(), hashesOfCertificates],
  [traefik(), hashesOfCertificates],
  [awsAlb(), hashesOfCertificates],
  [awsAlb({ mode: "passthrough" }), hashesOfCertificates],
  [cloudFront(), hashes],
  [gcp(), hashesOfCertificates],
  [gcp({ encoding: "sha256-base64" }), hashes],
  [azureAppService(), hashesOfCertificates],
  [cloudflare({ encoding: "sha256-hex" }), hashes],
  [forwardedHeader({ header: "x", encoding: "pem-base64" }), hashesOfCertificates],
];

const trust = { addresses: ["192.0.2.1"] };
const resolvers = formats.map(([format]) => fromProxy(format, { trust }));

/** What each of them has to say beside the certificate for it to count. */
const verified = [
  ["ssl-client-verify", "SUCCESS"],
  ["x-ssl-client-verify", "0"],
  ["cloudfront-viewer-cert-present", "1"],
  ["x-client-cert-chain-verified", "true"],
].flat();
const verifiedByApache = ["x-ssl-client-verify", "SUCCESS"];

/**
 * Forwarded certificates, the input being the value of the header, read as each format: what is accepted is a hash that
 * the value holds, or that of a certificate in it, however generously it is read; and it is so for the second time, too.
 *
 * @param {Buffer} data
 */
export function fuzz(data) {
  const value = data.toString("latin1");
  for (const [index, [format, candidates]] of formats.entries()) {
    const beside = format.header === "x-ssl-client-cert" ? verifiedByApache : verified;
    const request = { rawHeaders: [format.header, value, ...beside], socket: { remoteAddress: "192.0.2.1" } };
    const word = wordFor(resolvers[index]?.(request));
    if (/^ERR_CERTIFICATE_(?:MISSING|MALFORMED|UNTRUSTED)$/.test(word)) continue;
    assert.ok(candidates(value).includes(word), `${format.header}: ${word} is not in the value`);
    assert.equal(wordFor(resolvers[index]?.(request)), word);
  }
}

/** @param {import("@certbound/core").ClientCertificate | AccessTokenError | undefined} result */
function wordFor(result) {
  return result instanceof AccessTokenError ? result.code : String(result?.thumbprint);
}

/**
 * The thumbprint of the first certificate, encoded in any way.
 *
 * @param {string} value
 */
function hashesOfCertificates(value) {
  const texts = [value, unescaped(value), Buffer.from(value, "base64").toString("latin1")];
  return texts.map((text) => {
    const [, , first = ""] = /^[\s:"]*(-----BEGIN CERTIFICATE-----)?([^,:"-]*)/.exec(text) ?? [];
    return createHash("sha256").update(Buffer.from(first, "base64")).digest("base64url");
  });
}

/**
 * Whatever in the value has the form of a SHA-256, in hexadecimal digits or base64.
 *
 * @param {string} value
 */
function hashes(value) {
  const hexadecimal = value.match(/[\da-f:]{64,95}/gi) ?? [];
  const fromHexadecimal = hexadecimal.map((text) => Buffer.from(text.replaceAll(":", ""), "hex"));
  return [...fromHexadecimal, Buffer.from(value, "base64")].map((digest) => digest.toString("base64url"));
}

/**
 * The one Hash of an element of XFCC; nothing when there is not exactly one.
 *
 * @param {number} index
 * @returns {(value: string) => string[]}
 */
function hashOfElement(index) {
  return (value) => {
    const masked = value.replaceAll(/"(?:[^"\\]|\\.)*"/g, (quoted) => quoted.replaceAll(/[,;]/g, "_"));
    const pairs = masked.split(",")[index]?.split(";") ?? [];
    const [hash, ...others] = pairs.filter((pair) => /^hash=/i.test(pair));
    return hash === undefined || others.length > 0 ? [] : hashes(hash);
  };
}

/** @param {string} value */
function unescaped(value) {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
