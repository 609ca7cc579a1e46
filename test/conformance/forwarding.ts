import { type ForwardedCertificateFormat, fromProxy, nginx, rfc9440 } from "@certbound/core";
import type { Identity } from "@certbound/testing";
import type { Api, Attempt } from "./conformance-case.ts";

/** Headers or trailers, line by line. */
export type Lines = readonly (readonly [string, string])[];

/** The secret that the proxy adds to forwarded requests. Only the proxy and the API know it. */
export const PROXY_SECRET = "a-secret-of-the-proxy-and-of-the-api";

/** An API behind a proxy that sends Client-Cert (RFC 9440). */
export const behindProxy: Api = behind(rfc9440());

/** An API behind nginx, which also sends the result of verifying the certificate. */
export const behindNginx: Api = behind(nginx());

/** Returns an API behind a proxy that sends certificates in this format. */
export function behind(format: ForwardedCertificateFormat): Api {
  const trust = { secret: { header: "x-proxy-secret", value: PROXY_SECRET } };
  return { certificateResolver: fromProxy(format, { trust }) };
}

/** Returns a request from the proxy with these header lines. */
export function proxied(lines: (own: Identity, other: Identity) => Lines): Attempt {
  return {
    certificate: "none",
    request: {
      lines: (token, { own, other }) => [
        ["authorization", `Bearer ${token}`],
        ["x-proxy-secret", PROXY_SECRET],
        ...lines(own, other),
      ],
    },
  };
}

/** Encodes a certificate as RFC 9440 section 2.1 requires. */
export function byteSequence({ der }: Pick<Identity, "der">): string {
  return `:${base64(der)}:`;
}

/** Encodes a certificate like nginx in $ssl_client_escaped_cert. */
export function escapedPem({ certificate }: Identity): string {
  return encodeURIComponent(certificate);
}

/** Encodes bytes in base64 with padding. */
export function base64(der: Uint8Array): string {
  return Buffer.from(der).toString("base64");
}

/** Returns the SHA-256 of a certificate in hexadecimal, like Envoy. */
export function hexadecimal({ thumbprint }: Identity): string {
  return Buffer.from(thumbprint, "base64url").toString("hex");
}
