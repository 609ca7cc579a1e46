import { looksLike } from "../certificate/certificate-der.ts";
import { rejected } from "../errors.ts";

/** The pairs of one element of `x-forwarded-client-cert`: each key, in lower case, with all its values. */
export type XfccElement = ReadonlyMap<string, readonly string[]>;

const keys: ReadonlySet<string> = new Set(["by", "hash", "cert", "chain", "subject", "uri", "dns"]);
/**
 * The start of another element, and the pair that Envoy writes into every element. A quoted value that contains both is
 * forged: the client sent an element with an unclosed quote. The proxy's element then became part of the quoted value, up to
 * a quote in a name in the client's certificate.
 */
const [nextElement, hashPair] = [/,[ \t]*(?:by|hash|cert|chain|subject|uri|dns)=/i, /hash=[\da-f]{64}/i];

/**
 * Splits `x-forwarded-client-cert` into elements at commas, and elements into pairs at semicolons, except within quotes.
 *
 * @throws AccessTokenError `ERR_CERTIFICATE_MALFORMED` for any other syntax and for unknown keys
 */
export function parseXfcc(value: string): readonly XfccElement[] {
  // One pair and its separator. `\` escapes the next character of a quoted value.
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
    if (!keys.has(key)) throw rejected("ERR_CERTIFICATE_MALFORMED", "the value has a key that is not an XFCC key");
    if (quoted !== undefined && nextElement.test(quoted) && hashPair.test(quoted))
      throw rejected("ERR_CERTIFICATE_MALFORMED", "a quoted value contains another element (two headers joined?)");
    const element = elements.at(-1);
    const values = element?.get(key) ?? [];
    values.push(quoted?.replaceAll(/\\(.)/g, "$1") ?? plain);
    element?.set(key, values);
    if (separator === ",") elements.push(new Map());
    end = separator;
  }
  return elements;
}
