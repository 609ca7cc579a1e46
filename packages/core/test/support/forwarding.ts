import { createHash } from "node:crypto";
import type { ClientCertificate } from "../../src/certificate/client-certificate.ts";
import { AccessTokenError } from "../../src/errors.ts";
import type { NodeRequest } from "../../src/http/incoming-request.ts";
import type { CertificateEncoding } from "../../src/proxy/encodings.ts";
import type { ForwardedCertificateFormat } from "../../src/proxy/forwarded-format.ts";
import { fromProxy } from "../../src/proxy/from-proxy.ts";

/** The address of the proxy. */
export const proxyAddress = "192.0.2.1";

/** The minimal trust rule. */
export const trust = { addresses: [proxyAddress] };

/** SHA-256 of an empty input, which some proxies forward for a client without a certificate. */
export const hexOfEmptyInput = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/** Creates a request, by default from the proxy. */
export function requestWith(rawHeaders: readonly string[], remoteAddress = proxyAddress): NodeRequest {
  return { rawHeaders, socket: { remoteAddress } };
}

/** Resolves the certificate of a request from the proxy. */
export function resolved(
  format: ForwardedCertificateFormat,
  rawHeaders: readonly string[],
): ClientCertificate | AccessTokenError {
  return fromProxy(format, { trust })(requestWith(rawHeaders));
}

/** Resolves the certificate, and returns its thumbprint or the code of the rejection. */
export function verdict(format: ForwardedCertificateFormat, rawHeaders: readonly string[]): string {
  return outcomeOf(resolved(format, rawHeaders));
}

/** Returns the thumbprint or the error code of a resolver's result. */
export function outcomeOf(result: ClientCertificate | AccessTokenError): string {
  return result instanceof AccessTokenError ? result.code : result.thumbprint;
}

/** Encodes a certificate as the proxies do. */
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

/** Encodes a certificate as PEM with lines of 64 characters. */
export function pemOf(der: Buffer): string {
  const lines = der.toString("base64").replaceAll(/.{1,64}/g, "$&\n");
  return `-----BEGIN CERTIFICATE-----\n${lines}-----END CERTIFICATE-----\n`;
}

/** Percent-encodes as nginx does: everything except letters, digits and `-._~`. */
export function percentEncoded(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}

function digest(der: Buffer): Buffer {
  return createHash("sha256").update(der).digest();
}
