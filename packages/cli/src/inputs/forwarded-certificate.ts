import { randomBytes } from "node:crypto";
import { AccessTokenError, type ClientCertificate, fromProxy } from "@certbound/core";
import { namedFormat, possibleFormats, type WrittenFormat } from "./proxy-formats.ts";

/** What core makes of the headers that a proxy sent. */
export interface ForwardedCertificate {
  readonly resolved: ClientCertificate | AccessTokenError;
  /** How the format is written in code. */
  readonly code: string;
  readonly isGuessed: boolean;
  /** The header of the format, and all its values. */
  readonly header: string;
  readonly values: readonly string[];
  /** The verify headers of the format, with all their values. */
  readonly verify: readonly { readonly header: string; readonly values: readonly string[] }[];
}

/** The headers of a request, and how they are to be read. */
export interface ForwardedHeaders {
  readonly headers: readonly (readonly [string, string])[];
  readonly format: string | undefined;
  readonly formatOptions: Readonly<Record<string, unknown>> | undefined;
}

/**
 * Reads the certificate from the headers that a proxy sent, as `fromProxy` does. That they came from the proxy is taken as
 * proven.
 *
 * Where no format is named, one is guessed by the names of the headers, then by their values. Only here: an API that guesses
 * is an API that a client tells what to read.
 *
 * @throws UsageError
 */
export function readForwarded({ headers, format, formatOptions }: ForwardedHeaders): ForwardedCertificate {
  if (format !== undefined) return readAs(namedFormat(format, formatOptions), headers, false);
  const possible = possibleFormats(headers.map(([name]) => name)).map((one) => readAs(one, headers, true));
  const readable = possible.find(({ resolved }) => !(resolved instanceof AccessTokenError));
  // Of those that cannot be read, the one whose value could, or else the first.
  const decoded = possible.find(
    ({ resolved }) => resolved instanceof AccessTokenError && resolved.code === "ERR_CERTIFICATE_UNTRUSTED",
  );
  // There is at least one header, which makes at least one possible format.
  return (readable ?? decoded ?? possible[0]) as ForwardedCertificate;
}

function readAs(
  { format, code }: WrittenFormat,
  headers: ForwardedHeaders["headers"],
  isGuessed: boolean,
): ForwardedCertificate {
  const proof = { header: "x-certbound-cli-proof", value: randomBytes(24).toString("base64url") };
  const resolve = fromProxy(format, { trust: { secret: proof } });
  const rawHeaders = [...headers, [proof.header, proof.value] as const].flat();
  const valuesOf = (wanted: string): string[] =>
    headers.filter(([name]) => name.toLowerCase() === wanted.toLowerCase()).map(([, value]) => value);
  return {
    resolved: resolve({ rawHeaders, socket: {} }),
    code,
    isGuessed,
    header: format.header,
    values: valuesOf(format.header),
    verify: [format.verify ?? []].flat().map(({ header }) => ({ header, values: valuesOf(header) })),
  };
}
