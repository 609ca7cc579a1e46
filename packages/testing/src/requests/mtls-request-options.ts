import type { Identity } from "../certificates/identity.ts";
import { assertKnownOptions } from "../known-options.ts";

/** Configures a request to a TLS server. */
export interface MtlsRequestOptions {
  /** The certificate, as PEM, that the server's certificate must chain to. */
  readonly ca: string;
  /** The certificate to present. Absent: none, even if the server asks for one. */
  readonly identity?: Identity;
  /** Adds `Authorization: Bearer` with this token, besides any given in `headers`. */
  readonly token?: string;
  /** Defaults to GET. */
  readonly method?: string;
  /** Pairs, or arrays as values, send several fields of one name, each on its own line. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>> | readonly (readonly [string, string])[];
  readonly body?: string;
  /** Allows this version only. Absent: whatever both sides like best. */
  readonly tlsVersion?: "TLSv1.2" | "TLSv1.3";
  /** The TLS session of an earlier response, to be resumed. */
  readonly session?: Buffer;
  /** Defaults to 1, for HTTP/1.1. */
  readonly httpVersion?: 1 | 2;
}

/** Describes a request completely: options after parsing and defaults. */
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
 * Turns an address and options into a request.
 *
 * @throws TypeError for an address that is not https, an unknown option or an unknown version
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
  if (url.protocol !== "https:") throw new TypeError("The address is not an https URL");
  // without an authority, Node.js would trust the public ones
  if (typeof ca !== "string" || ca === "") throw new TypeError("ca is not a PEM text");
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
