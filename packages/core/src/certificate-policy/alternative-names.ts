import type { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { isJsonObject } from "../values/json-object.ts";
import { knownOptions, nonEmptyList, type OptionRule, type OptionRules } from "../values/known-options.ts";
import { withoutPrototype } from "../values/object-member.ts";

/**
 * Subject alternative names (RFC 5280 section 4.2.1.6). A certificate must have at least one of the given names, of any
 * kind.
 *
 * Whole names are compared: a wildcard in the certificate never matches. The common name of the subject is ignored.
 */
export interface AlternativeNames {
  /** Host names, compared case-insensitively. */
  readonly dns?: readonly string[] | undefined;
  /** URIs, such as SPIFFE IDs, compared character by character. */
  readonly uri?: readonly string[] | undefined;
  /** Email addresses. The part after the `@` is compared case-insensitively, the part before it case-sensitively. */
  readonly email?: readonly string[] | undefined;
  /** IPv4 or IPv6 addresses. */
  readonly ip?: readonly string[] | undefined;
}

const rules: OptionRules<AlternativeNames> = {
  // A leading dot is rejected, because OpenSSL treats it as a wildcard for all subdomains.
  dns: nonEmptyList(text("a host name without wildcard", /^[\w-]+(?:\.[\w-]+)*$/)),
  uri: nonEmptyList(text("a URI", /^[a-z][a-z\d+.-]*:[\x21-\x7e]+$/i)),
  email: nonEmptyList(text("an email address", /^[\x21-\x3f\x41-\x7e]+@[\w.-]+$/)),
  ip: nonEmptyList({ expected: "an IP address", accepts: (value) => typeof value === "string" && isIP(value) !== 0 }),
};

/** The rule of an option of type {@link AlternativeNames}. */
export const alternativeNamesRule: OptionRule = {
  expected: "an object with dns, uri, email or ip",
  accepts: isJsonObject,
};

/**
 * Creates a function that returns whether a certificate has one of the names; false if Node cannot decode its names.
 *
 * @throws TypeError if `names` is empty, or if a name is malformed
 */
export function parseAlternativeNames(names: AlternativeNames): (certificate: X509Certificate) => boolean {
  const given = knownOptions("subjectAlternativeNames", names, rules, "not-given");
  if (Object.keys(given).length === 0) {
    throw new TypeError('certbound: option "subjectAlternativeNames" must contain at least one name');
  }
  const { dns, uri, email, ip } = given;
  const hostOptions = withoutPrototype({ subject: "never", wildcards: false } as const);
  return (certificate) => {
    const alternativeNames = alternativeNamesOf(certificate);
    if (alternativeNames === undefined) return false;
    const matches = [
      dns?.some((name) => certificate.checkHost(name, hostOptions) !== undefined),
      email?.some((address) => certificate.checkEmail(address, hostOptions) !== undefined),
      ip?.some((address) => certificate.checkIP(address) !== undefined),
      uri?.some((name) => urisOf(alternativeNames).includes(name)),
    ];
    return matches.includes(true);
  };
}

/**
 * Reads the names in Node's format; undefined if Node cannot decode them (Node 20 returns null, Node 22 and later throw).
 */
function alternativeNamesOf(certificate: X509Certificate): string | undefined {
  try {
    const { subjectAltName: names = "" } = certificate as { readonly subjectAltName?: string | null };
    return names ?? undefined;
  } catch {
    return undefined;
  }
}

/**
 * Lists the URIs in a certificate's alternative names; none if the text is not exactly in Node's format.
 *
 * Node separates names with `, ` and writes an ambiguous name as a JSON string (CVE-2021-44532).
 */
function urisOf(alternativeNames: string): readonly string[] {
  const entry = /([A-Za-z][A-Za-z ]*):(?:("(?:[^"\\\p{Cc}]|\\(?:["\\/bfnrt]|u[\da-f]{4}))*")|([^",]*))(?:, |$)/uy;
  const found: string[] = [];
  while (entry.lastIndex < alternativeNames.length) {
    const match = entry.exec(alternativeNames);
    if (match === null) return [];
    const [, kind, quoted, plain = ""] = match;
    if (kind === "URI") found.push(quoted === undefined ? plain : String(JSON.parse(quoted)));
  }
  return found;
}

function text(expected: string, pattern: RegExp): OptionRule {
  return { expected, accepts: (value) => typeof value === "string" && pattern.test(value) };
}
