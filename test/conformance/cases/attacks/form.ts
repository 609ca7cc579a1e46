import { type ConformanceCase, refuses } from "../../conformance-case.ts";
import type { Part, RawToken } from "../../raw-token.ts";
import { type Signer, signers } from "../../signers.ts";

const parts: readonly Part[] = ["header", "payload", "signature"];

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** Ways to write the same bytes that lenient decoders take. No line breaks: they cannot travel in a header. */
const spellings: readonly (readonly [name: string, write: (base64url: string) => string])[] = [
  ["padding", (text) => `${text}=`],
  ["two signs of padding", (text) => `${text}==`],
  ["the standard alphabet", (text) => text.replaceAll("-", "+").replaceAll("_", "/")],
  [
    "loose bits in the last character",
    (text) => text.slice(0, -1) + alphabet.charAt(alphabet.indexOf(text.slice(-1)) + 1),
  ],
];

/** Signs until the signature has a sign that the two alphabets write in two ways. */
const withSpecialSign: Signer = (input, key) => {
  const signature = signers.ES256(input, key);
  return /[-_]/.test(signature.toString("base64url")) ? signature : withSpecialSign(input, key);
};

/** A token whose every part has such a sign, and loose bits in its last character. */
const everySign: RawToken = {
  header: { note: "???" },
  claims: { note: "???" },
  headerText: withLooseBits,
  payloadText: withLooseBits,
  signer: withSpecialSign,
};

export const cases: readonly ConformanceCase[] = parts.flatMap((wanted) =>
  spellings.map(([name, write]) =>
    refuses(["F-01", "7515-02"], `${name} in the ${wanted}`, {
      accepted: { token: ({ token }) => token(everySign) },
      refused: {
        token: ({ token }) =>
          token({
            ...everySign,
            encode: (bytes, part) => (part === wanted ? write : String)(bytes.toString("base64url")),
          }),
      },
      code: "ERR_TOKEN_MALFORMED",
    }),
  ),
);

/** Ends JSON in so much white space that a single byte is left for the last characters. */
function withLooseBits(json: string): string {
  return json + " ".repeat((4 - (json.length % 3)) % 3);
}
