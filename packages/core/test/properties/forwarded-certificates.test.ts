import { fc, test as fuzz } from "@fast-check/vitest";
import { createHash } from "node:crypto";
import { describe, expect } from "vitest";
import type { CertificateEncoding } from "../../src/proxy/encodings.ts";
import type { ForwardedCertificateFormat } from "../../src/proxy/forwarded-format.ts";
import { certificateShaped } from "../support/der.ts";
import { type FormatName, formats } from "../support/formats.ts";
import { encoders, verdict } from "../support/forwarding.ts";

/** What each format holds, or how its proxy writes it. */
const written: Readonly<Record<FormatName, CertificateEncoding | ((der: Buffer) => string)>> = {
  rfc9440: "rfc9440",
  nginx: "pem-urlencoded",
  ingressNginx: "pem-urlencoded",
  haproxy: "der-base64",
  "haproxy rfc9440": "rfc9440",
  "haproxy sha256-hex": "sha256-hex",
  "haproxy sha256-base64url": "sha256-base64url",
  openShift: (der) => `"${encoders["der-base64"](der)}"`,
  apache: "pem-spaces",
  caddy: "der-base64",
  "caddy sha256-hex": "sha256-hex",
  envoy: (der) => `By=a;Hash=${encoders["sha256-hex"](der)};Cert="${encoders["pem-urlencoded"](der)}";URI=b`,
  azureContainerApps: (der) =>
    `Hash=${encoders["sha256-hex"](der)};Cert="${encoders["pem-urlencoded"](der)}";Chain="c"`,
  cloudFoundry: "der-base64",
  traefik: "der-base64-list",
  awsAlb: "pem-urlencoded",
  "awsAlb passthrough": "pem-urlencoded-chain",
  cloudFront: "sha256-hex",
  gcp: "rfc9440",
  "gcp sha256-base64": "sha256-base64",
  azureAppService: "der-base64",
  azureApplicationGateway: "pem-urlencoded",
  cloudflare: "der-base64",
  "cloudflare sha256-hex": "sha256-hex",
  "cloudflare rfc9440": "rfc9440",
  kong: "pem-urlencoded",
  "akamai, by forwardedHeader": "rfc9440",
  "a custom hash, by forwardedHeader": "sha256-base64",
};
const names = Object.keys(written) as readonly FormatName[];

function valueOf(name: FormatName, der: Buffer): string {
  const encoding = written[name];
  return typeof encoding === "string" ? encoders[encoding](der) : encoding(der);
}

/** What a format makes of the values of its header, beside whatever else it asks for. */
function read(name: FormatName, ...values: readonly string[]): string {
  const { header, verify = [] }: ForwardedCertificateFormat = formats[name];
  const beside = [verify].flat().flatMap((other) => [other.header, String([other.success].flat()[0])]);
  return verdict(formats[name], [...values.flatMap((value) => [header, value]), ...beside]);
}

/** Bytes of the shape of a certificate, which is all that is looked at. */
const der = fc.uint8Array({ maxLength: 300 }).map((content) => certificateShaped(content));

const thumbprintOf = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("base64url");

/** A value without what may be written in more than one way: escapes, line breaks, quotes, colons, padding, letter case. */
function plain(name: FormatName, value: string): string {
  const encoding = written[name];
  const isEscaped = typeof encoding === "function" || encoding.includes("urlencoded");
  const text = (isEscaped ? unescaped(value) : value).replaceAll(/[\r\n]|^\s+|\s+$/g, "");
  if (encoding === "sha256-hex") return text.replaceAll(":", "").toLowerCase();
  if (encoding === "sha256-base64") return text.replace(/=$/, "");
  if (name === "openShift") return text.replace(/^"(.*)"$/, "$1");
  // The names of XFCC, and the digits of its hash.
  if (isXfcc(name)) return text.replaceAll("\\", "").replace(/^[^"]*"/, (start) => start.toLowerCase());
  return text;
}

function unescaped(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

function isXfcc(name: FormatName): boolean {
  return name === "envoy" || name === "azureContainerApps";
}

/** Whether a place in XFCC is in none of the two that name the certificate. */
function isBeside(name: FormatName, value: string, index: number): boolean {
  if (!isXfcc(name)) return false;
  const [from, to] = [value.indexOf("Hash="), value.indexOf('";')];
  return index < from || index > to + 1;
}

describe.each(names)("a certificate forwarded as %s", (name) => {
  fuzz.prop([der], { seed: 9440, numRuns: 20 })("is the one that was presented", (certificate) => {
    expect(read(name, valueOf(name, certificate))).toBe(thumbprintOf(certificate));
  });

  fuzz.prop([der, der], { seed: 9440, numRuns: 10 })("counts for nothing beside another", (certificate, other) => {
    const [value, beside] = [valueOf(name, certificate), valueOf(name, other)];
    for (const values of [
      [value, beside],
      [value, value],
      [value, ""],
      ["", value],
    ]) {
      expect(read(name, ...values)).toBe("ERR_CERTIFICATE_MALFORMED");
    }
  });

  const character = fc.oneof(fc.stringMatching(/^[\w+/=:%"; ,-]$/), fc.string({ unit: "binary", maxLength: 1 }));

  fuzz.prop([der, fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(1), character], { seed: 9440, numRuns: 60 })(
    "is another one or none once a character is changed, except where that changes nothing that is said",
    (certificate, at, removed, inserted) => {
      const value = valueOf(name, certificate);
      const index = Math.floor(value.length * at);
      const changed = value.slice(0, index) + inserted + value.slice(index + removed);
      fc.pre(changed !== value);
      const isTaken = read(name, changed) === thumbprintOf(certificate);
      const saysTheSame = plain(name, changed) === plain(name, value) || isBeside(name, value, index);
      expect(isTaken && !saysTheSame).toBe(false);
    },
  );
});

describe.each(names.filter((name) => !String(written[name]).startsWith("sha256")))(
  "a certificate forwarded as %s, broken,",
  (name) => {
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 3 });

    fuzz.prop([der, bytes], { seed: 5280, numRuns: 10 })("is none, with more or fewer bytes", (certificate, more) => {
      const [longer, shorter] = [Buffer.concat([certificate, more]), certificate.subarray(0, -more.length)];
      for (const broken of [longer, shorter])
        expect(read(name, valueOf(name, broken))).toMatch(/_(?:MALFORMED|MISSING)$/);
    });
  },
);

describe.each(names.filter(isXfcc))("a certificate forwarded as %s", (name) => {
  fuzz.prop([der, der], { seed: 1989, numRuns: 20 })("is none when hash and certificate differ", (one, other) => {
    fc.pre(!one.equals(other));
    const [hash, otherHash] = [one, other].map(encoders["sha256-hex"]);
    const value = valueOf(name, one).replace(hash ?? "", otherHash ?? "");
    expect(read(name, value)).toBe("ERR_CERTIFICATE_MALFORMED");
  });
});
