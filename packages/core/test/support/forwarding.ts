import { createHash } from "node:crypto";
import type { ClientCertificate } from "../../src/certificate/client-certificate.ts";
import { AccessTokenError } from "../../src/errors.ts";
import type { NodeRequest } from "../../src/http/incoming-request.ts";
import type { CertificateEncoding } from "../../src/proxy/encodings.ts";
import type { ForwardedCertificateFormat } from "../../src/proxy/forwarded-format.ts";
import { fromProxy } from "../../src/proxy/from-proxy.ts";

/** Where the proxy of these tests is. */
export const proxyAddress = "192.0.2.1";

/** The least that a resolver must be told of it. */
export const trust = { addresses: [proxyAddress] };

/** SHA-256 of nothing, which proxies forward where there is no certificate. */
export const hexOfNothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/** A request that came from the proxy, or from elsewhere. */
export function requestWith(rawHeaders: readonly string[], remoteAddress = proxyAddress): NodeRequest {
  return { rawHeaders, socket: { remoteAddress } };
}

/** What a format makes of a request of the proxy. */
export function resolved(
  format: ForwardedCertificateFormat,
  rawHeaders: readonly string[],
): ClientCertificate | AccessTokenError {
  return fromProxy(format, { trust })(requestWith(rawHeaders));
}

/** The same in one word: the thumbprint, or the code of the rejection. */
export function verdict(format: ForwardedCertificateFormat, rawHeaders: readonly string[]): string {
  return wordFor(resolved(format, rawHeaders));
}

/** Names what a resolver gave. */
export function wordFor(result: ClientCertificate | AccessTokenError): string {
  return result instanceof AccessTokenError ? result.code : result.thumbprint;
}

/** Writes a certificate in one of the encodings, as the proxies do. */
export const encoders: Readonly<Record<CertificateEncoding, (der: Buffer) => string>> = {
  rfc9440: (der) => `:${der.toString("base64")}:`,
  "der-base64": (der) => der.toString("base64"),
  "der-base64-list": (der) => der.toString("base64"),
  "pem-urlencoded": (der) => percentEncoded(pemOf(der)),
  "pem-urlencoded-chain": (der) => percentEncoded(pemOf(der)),
  "pem-spaces": (der) => pemOf(der).replaceAll("\n", " ").trimEnd(),
  "pem-base64": (der) => Buffer.from(pemOf(der)).toString("base64"),
  "sha256-hex": (der) => digest(der).toString("hex"),
  "sha256-base64": (der) => digest(der).toString("base64"),
  "sha256-base64url": (der) => digest(der).toString("base64url"),
};

/** Writes PEM with lines of 64 characters. */
export function pemOf(der: Buffer): string {
  const lines = der.toString("base64").replaceAll(/.{1,64}/g, "$&\n");
  return `-----BEGIN CERTIFICATE-----\n${lines}-----END CERTIFICATE-----\n`;
}

/** Percent-encodes as nginx does, which leaves letters, digits and `-._~`. */
export function percentEncoded(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}

function digest(der: Buffer): Buffer {
  return createHash("sha256").update(der).digest();
}
