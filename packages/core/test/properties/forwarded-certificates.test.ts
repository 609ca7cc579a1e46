import { fc, test as fuzz } from "@fast-check/vitest";
import { createHash } from "node:crypto";
import { describe, expect } from "vitest";
import type { CertificateEncoding } from "../../src/proxy/encodings.ts";
import type { ForwardedCertificateFormat } from "../../src/proxy/forwarded-format.ts";
import { certificateShaped } from "../support/der.ts";
import { type FormatName, formats } from "../support/formats.ts";
import { encoders, verdict } from "../support/forwarding.ts";

/** The encoding of each format, or the function that encodes as its proxy does. */
const encodingsOf: Readonly<Record<FormatName, CertificateEncoding | ((der: Buffer) => string)>> = {
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
const names = Object.keys(encodingsOf) as readonly FormatName[];

function valueOf(name: FormatName, der: Buffer): string {
  const encoding = encodingsOf[name];
  return typeof encoding === "string" ? encoders[encoding](der) : encoding(der);
}

/** Resolves a request with these values of the format's header, and its other headers with valid values. */
function read(name: FormatName, ...values: readonly string[]): string {
  const { header, verify = [] }: ForwardedCertificateFormat = formats[name];
  const additional = [verify].flat().flatMap((other) => [other.header, String([other.success].flat()[0])]);
  return verdict(formats[name], [...values.flatMap((value) => [header, value]), ...additional]);
}

/** Bytes with the outer structure of a certificate; nothing else is checked. */
const der = fc.uint8Array({ maxLength: 300 }).map((content) => certificateShaped(content));

const thumbprintOf = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("base64url");

/** Normalises a value: removes escapes, line breaks, quotes, colons, padding and differences of letter case. */
function normalised(name: FormatName, value: string): string {
  const encoding = encodingsOf[name];
  const isEscaped = typeof encoding === "function" || encoding.includes("urlencoded");
  const text = (isEscaped ? unescaped(value) : value).replaceAll(/[\r\n]|^\s+|\s+$/g, "");
  if (encoding === "sha256-hex") return text.replaceAll(":", "").toLowerCase();
  if (encoding === "sha256-base64") return text.replace(/=$/, "");
  if (name === "openShift") return text.replace(/^"(.*)"$/, "$1");
  // In XFCC, the case of names and of the digits of the hash is not significant.
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

/** Returns whether an index in an XFCC value is outside of Hash and Cert. */
function isOutside(name: FormatName, value: string, index: number): boolean {
  if (!isXfcc(name)) return false;
  const [from, to] = [value.indexOf("Hash="), value.indexOf('";')];
  return index < from || index > to + 1;
}

describe.each(names)("a certificate forwarded as %s", (name) => {
  fuzz.prop([der], { seed: 9440, numRuns: 20 })("is resolved to its thumbprint", (certificate) => {
    expect(read(name, valueOf(name, certificate))).toBe(thumbprintOf(certificate));
  });

  fuzz.prop([der, der], { seed: 9440, numRuns: 10 })(
    "is rejected next to another value of the header",
    (certificate, other) => {
      const [value, another] = [valueOf(name, certificate), valueOf(name, other)];
      for (const values of [
        [value, another],
        [value, value],
        [value, ""],
        ["", value],
      ]) {
        expect(read(name, ...values)).toBe("ERR_CERTIFICATE_MALFORMED");
      }
    },
  );

  const character = fc.oneof(fc.stringMatching(/^[\w+/=:%"; ,-]$/), fc.string({ unit: "binary", maxLength: 1 }));

  fuzz.prop([der, fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(1), character], { seed: 9440, numRuns: 60 })(
    "has another thumbprint or none after a change of one character, unless the normalised value is the same",
    (certificate, at, removed, inserted) => {
      const value = valueOf(name, certificate);
      const index = Math.floor(value.length * at);
      const changed = value.slice(0, index) + inserted + value.slice(index + removed);
      fc.pre(changed !== value);
      const isSame = read(name, changed) === thumbprintOf(certificate);
      const isEquivalent = normalised(name, changed) === normalised(name, value) || isOutside(name, value, index);
      expect(isSame && !isEquivalent).toBe(false);
    },
  );
});

describe.each(names.filter((name) => !String(encodingsOf[name]).startsWith("sha256")))(
  "a broken certificate forwarded as %s",
  (name) => {
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 3 });

    fuzz.prop([der, bytes], { seed: 5280, numRuns: 10 })(
      "is rejected with additional or missing bytes",
      (certificate, more) => {
        const [longer, shorter] = [Buffer.concat([certificate, more]), certificate.subarray(0, -more.length)];
        for (const broken of [longer, shorter])
          expect(read(name, valueOf(name, broken))).toMatch(/_(?:MALFORMED|MISSING)$/);
      },
    );
  },
);

describe.each(names.filter(isXfcc))("a certificate forwarded as %s", (name) => {
  fuzz.prop([der, der], { seed: 1989, numRuns: 20 })("is rejected if hash and certificate differ", (one, other) => {
    fc.pre(!one.equals(other));
    const [hash, otherHash] = [one, other].map(encoders["sha256-hex"]);
    const value = valueOf(name, one).replace(hash ?? "", otherHash ?? "");
    expect(read(name, value)).toBe("ERR_CERTIFICATE_MALFORMED");
  });
});
