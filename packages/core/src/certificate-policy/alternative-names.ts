import type { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { isJsonObject } from "../values/json-object.ts";
import { knownOptions, nonEmptyList, type OptionRule, type OptionRules } from "../values/known-options.ts";
import { withoutPrototype } from "../values/object-member.ts";

/**
 * Subject alternative names (RFC 5280 section 4.2.1.6), of which a certificate must have one, of any kind.
 *
 * Each is compared whole: a wildcard in the certificate matches nothing, and the subject's common name is not looked at.
 */
export interface AlternativeNames {
  /** Host names, without regard to case. */
  readonly dns?: readonly string[] | undefined;
  /** URIs, character by character; SPIFFE IDs among them. */
  readonly uri?: readonly string[] | undefined;
  /** Mail addresses; of these, the part after the `@` without regard to case. */
  readonly email?: readonly string[] | undefined;
  /** Addresses of IP, version 4 or 6. */
  readonly ip?: readonly string[] | undefined;
}

const rules: OptionRules<AlternativeNames> = {
  // OpenSSL takes a leading dot for "every host below", which is not what an allow-list says.
  dns: nonEmptyList(text("a host name without wildcard", /^[\w-]+(?:\.[\w-]+)*$/)),
  uri: nonEmptyList(text("a URI", /^[a-z][a-z\d+.-]*:[\x21-\x7e]+$/i)),
  email: nonEmptyList(text("a mail address", /^[\x21-\x3f\x41-\x7e]+@[\w.-]+$/)),
  ip: nonEmptyList({ expected: "an IP address", accepts: (value) => typeof value === "string" && isIP(value) !== 0 }),
};

/** The rule of an option that takes these names. */
export const alternativeNamesRule: OptionRule = {
  expected: "an object with dns, uri, email or ip",
  accepts: isJsonObject,
};

/**
 * Parses the names into a function that returns whether a certificate has one of them; false where Node cannot decode its names.
 *
 * @throws TypeError when there is none, or one is not of its kind
 */
export function parseAlternativeNames(names: AlternativeNames): (certificate: X509Certificate) => boolean {
  const given = knownOptions("subjectAlternativeNames", names, rules, "not-given");
  if (Object.keys(given).length === 0) {
    throw new TypeError('certbound: option "subjectAlternativeNames" names none');
  }
  const { dns, uri, email, ip } = given;
  // Host names, mail addresses and IP addresses are OpenSSL's to compare.
  const namesOnly = withoutPrototype({ subject: "never", wildcards: false } as const);
  return (certificate) => {
    const alternativeNames = alternativeNamesOf(certificate);
    if (alternativeNames === undefined) return false;
    const isNamed = [
      dns?.some((name) => certificate.checkHost(name, namesOnly) !== undefined),
      email?.some((address) => certificate.checkEmail(address, namesOnly) !== undefined),
      ip?.some((address) => certificate.checkIP(address) !== undefined),
      uri?.some((name) => urisOf(alternativeNames).includes(name)),
    ];
    return isNamed.includes(true);
  };
}

/** Reads the names as Node writes them; undefined where it cannot decode them (null on Node 20, an exception since 22). */
function alternativeNamesOf(certificate: X509Certificate): string | undefined {
  try {
    const { subjectAltName: names = "" } = certificate as { readonly subjectAltName?: string | null };
    return names ?? undefined;
  } catch {
    return undefined;
  }
}

/**
 * Lists the URIs among a certificate's alternative names; none of a text that is not exactly as Node writes it.
 *
 * Node separates names by `, ` and writes one that could be mistaken for several as a JSON string (CVE-2021-44532).
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
