import { type ConformanceCase, refuses } from "../../conformance-case.ts";
import type { Part } from "../../raw-token.ts";

const parts: readonly Part[] = ["header", "payload", "signature"];

/** Ways to write the same bytes that lenient decoders take; each changes the text whatever the bytes are. */
const spellings: readonly (readonly [name: string, write: (base64url: string) => string])[] = [
  ["padding", (text) => `${text}=`],
  ["two signs of padding", (text) => `${text}==`],
  ["a sign of the standard alphabet", (text) => `${text.slice(0, 4)}+${text.slice(5)}`],
  ["a slash", (text) => `${text.slice(0, 4)}/${text.slice(5)}`],
];

export const cases: readonly ConformanceCase[] = parts.flatMap((wanted) =>
  spellings.map(([name, write]) =>
    refuses(["F-01", "7515-02"], `${name} in the ${wanted}`, {
      refused: {
        token: ({ token }) =>
          token({
            encode: (bytes, part) => (part === wanted ? write : String)(bytes.toString("base64url")),
          }),
      },
      code: "ERR_TOKEN_MALFORMED",
    }),
  ),
);
