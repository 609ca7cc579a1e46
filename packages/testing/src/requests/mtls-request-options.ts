import type { Identity } from "../certificates/identity.ts";
import { assertKnownOptions } from "../known-options.ts";

/** Options of a request to a TLS server. */
export interface MtlsRequestOptions {
  /** The CA certificate, as PEM, that the server's certificate must chain to. */
  readonly ca: string;
  /** The client certificate. If omitted, the client presents none. */
  readonly identity?: Identity;
  /** Adds `Authorization: Bearer` with this token, in addition to any Authorization field in `headers`. */
  readonly token?: string;
  /** Defaults to GET. */
  readonly method?: string;
  /** To send several fields with the same name, pass name-value pairs, or an array as a value. Each field gets a line. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>> | readonly (readonly [string, string])[];
  readonly body?: string;
  /** The only TLS version to allow. If omitted, client and server negotiate the version. */
  readonly tlsVersion?: "TLSv1.2" | "TLSv1.3";
  /** Resumes the TLS session of an earlier response. */
  readonly session?: Buffer;
  /** Defaults to 1, for HTTP/1.1. */
  readonly httpVersion?: 1 | 2;
}

/** Request options after parsing, with defaults applied. */
export interface MtlsRequest {
  readonly url: URL;
  readonly ca: string;
  readonly identity: Identity | undefined;
  readonly method: string;
  /** The header fields in the order in which they are sent. */
  readonly fields: readonly (readonly [string, string])[];
  readonly body: string | undefined;
  readonly tlsVersion: "TLSv1.2" | "TLSv1.3" | undefined;
  readonly session: Buffer | undefined;
  readonly httpVersion: 1 | 2;
}

/**
 * Parses a URL and request options.
 *
 * @throws TypeError for a URL that is not https, an unknown option or an invalid value
 */
export function parseMtlsRequest(address: string | URL, options: MtlsRequestOptions): MtlsRequest {
  assertKnownOptions(options, [
    "ca",
    "identity",
    "token",
    "method",
    "headers",
    "body",
    "tlsVersion",
    "session",
    "httpVersion",
  ]);
  const url = new URL(address);
  const { ca, identity, method = "GET", body, tlsVersion, session, httpVersion = 1 } = options;
  if (url.protocol !== "https:") throw new TypeError("The URL is not an https URL");
  // Without `ca`, Node.js would trust the public CAs.
  if (typeof ca !== "string" || ca === "") throw new TypeError("ca is not a PEM string");
  if (tlsVersion !== undefined && tlsVersion !== "TLSv1.2" && tlsVersion !== "TLSv1.3") {
    throw new TypeError(`tlsVersion "${String(tlsVersion)}" is not TLSv1.2 or TLSv1.3`);
  }
  if (httpVersion !== 1 && httpVersion !== 2) {
    throw new TypeError(`httpVersion ${String(httpVersion)} is not 1 or 2`);
  }
  const fields = headerFields(options);
  return { url, ca, identity, method, fields, body, tlsVersion, session, httpVersion };
}

function headerFields({ token, headers = {} }: MtlsRequestOptions): [string, string][] {
  const authorization: [string, string][] = token === undefined ? [] : [["authorization", `Bearer ${token}`]];
  const entries: readonly (readonly [string, string | readonly string[]])[] = isPairs(headers)
    ? headers
    : Object.entries(headers);
  const others = entries.flatMap(([name, value]) => [value].flat().map((line): [string, string] => [name, line]));
  return [...authorization, ...others];
}

/** Array.isArray does not narrow readonly arrays. */
function isPairs(
  headers: NonNullable<MtlsRequestOptions["headers"]>,
): headers is readonly (readonly [string, string])[] {
  return Array.isArray(headers);
}
