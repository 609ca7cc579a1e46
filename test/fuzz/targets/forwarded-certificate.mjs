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
 * Each format, and a function that returns the thumbprints in a header value.
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

/** The additional headers that the formats require next to the certificate. */
const verified = [
  ["ssl-client-verify", "SUCCESS"],
  ["x-ssl-client-verify", "0"],
  ["cloudfront-viewer-cert-present", "1"],
  ["x-client-cert-chain-verified", "true"],
].flat();
const verifiedByApache = ["x-ssl-client-verify", "SUCCESS"];

/**
 * Forwarded certificates: the input is a header value, which is read in each format. An accepted thumbprint must be a hash
 * in the value, or the hash of a certificate in it, even if the value is parsed very leniently. Reading the value a second
 * time must have the same result.
 *
 * @param {Buffer} data
 */
export function fuzz(data) {
  const value = data.toString("latin1");
  for (const [index, [format, candidates]] of formats.entries()) {
    const additional = format.header === "x-ssl-client-cert" ? verifiedByApache : verified;
    const request = { rawHeaders: [format.header, value, ...additional], socket: { remoteAddress: "192.0.2.1" } };
    const outcome = outcomeOf(resolvers[index]?.(request));
    if (/^ERR_CERTIFICATE_(?:MISSING|MALFORMED|UNTRUSTED)$/.test(outcome)) continue;
    assert.ok(candidates(value).includes(outcome), `${format.header}: ${outcome} is not in the value`);
    assert.equal(outcomeOf(resolvers[index]?.(request)), outcome);
  }
}

/** @param {import("@certbound/core").ClientCertificate | AccessTokenError | undefined} result */
function outcomeOf(result) {
  return result instanceof AccessTokenError ? result.code : String(result?.thumbprint);
}

/**
 * Returns the thumbprint of the first certificate, for each possible encoding.
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
 * Returns everything in the value that looks like a SHA-256 hash, in hexadecimal digits or base64.
 *
 * @param {string} value
 */
function hashes(value) {
  const hexadecimal = value.match(/[\da-f:]{64,95}/gi) ?? [];
  const fromHexadecimal = hexadecimal.map((text) => Buffer.from(text.replaceAll(":", ""), "hex"));
  return [...fromHexadecimal, Buffer.from(value, "base64")].map((digest) => digest.toString("base64url"));
}

/**
 * Returns the hash of an element of XFCC, if the element has exactly one.
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
