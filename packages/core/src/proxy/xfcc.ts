import { looksLike } from "../certificate/certificate-der.ts";
import { rejected } from "../errors.ts";

/** One element of `x-forwarded-client-cert`: keys in lower case, each with all its values. */
export type XfccElement = ReadonlyMap<string, readonly string[]>;

const keys: ReadonlySet<string> = new Set(["by", "hash", "cert", "chain", "subject", "uri", "dns"]);
/**
 * What an element begins with behind another one, and what Envoy writes in each. A quoted value with both holds the element of
 * a proxy: a client has opened the quote in an element of its own, and a name in its certificate closes it.
 */
const [nextElement, hashPair] = [/,[ \t]*(?:by|hash|cert|chain|subject|uri|dns)=/i, /hash=[\da-f]{64}/i];

/**
 * Splits `x-forwarded-client-cert` into elements, at commas, and pairs, at semicolons, neither of them within quotes.
 *
 * @throws AccessTokenError `ERR_CERTIFICATE_MALFORMED` for anything else, an unknown key included
 */
export function parseXfcc(value: string): readonly XfccElement[] {
  // One pair and what ends it: a key, then a quoted value in which `\` escapes the next character, or one without quotes.
  const pair = /([A-Za-z]+)=(?:"([^"\\]*(?:\\.[^"\\]*)*)"|([^",;]*))([,;]|$)/y;
  const elements = [new Map<string, string[]>()];
  let end = ";";
  while (end !== "") {
    const match = pair.exec(value);
    if (match === null)
      throw rejected(
        "ERR_CERTIFICATE_MALFORMED",
        `the value is not a list of XFCC elements${looksLike(value, "xfcc")}`,
      );
    const [, name = "", quoted, plain = "", separator = ""] = match;
    const key = name.toLowerCase();
    if (!keys.has(key)) throw rejected("ERR_CERTIFICATE_MALFORMED", "the value has a key that is not one of XFCC");
    if (quoted !== undefined && nextElement.test(quoted) && hashPair.test(quoted))
      throw rejected("ERR_CERTIFICATE_MALFORMED", "a quoted value holds another element: two headers in one?");
    const element = elements.at(-1);
    const values = element?.get(key) ?? [];
    values.push(quoted?.replaceAll(/\\(.)/g, "$1") ?? plain);
    element?.set(key, values);
    if (separator === ",") elements.push(new Map());
    end = separator;
  }
  return elements;
}
