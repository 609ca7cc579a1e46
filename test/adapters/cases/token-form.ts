import { tamperPayload, tamperSignature } from "@certbound/testing";
import type { Parties } from "../../helpers/parties.ts";
import { accepted, type AdapterCase, rejected } from "../adapter-case.ts";

/** Turns the bound token into another text. */
function changed(change: (token: string) => string): { readonly token: (parties: Parties) => Promise<string> } {
  return { token: async ({ token }) => change(await token()) };
}

/** Changes one part of the bound token. */
function changedPart(index: 0 | 1 | 2, change: (part: string) => string): ReturnType<typeof changed> {
  return changed((token) =>
    token
      .split(".")
      .map((part, position) => (position === index ? change(part) : part))
      .join("."),
  );
}

/** Replaces the last character by its neighbour in the alphabet: other text, the same bytes, if only loose bits differ. */
function withLooseBits(part: string): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return part.slice(0, -1) + alphabet.charAt(alphabet.indexOf(part.slice(-1)) + 1);
}

/** A token with so long a claim. */
function padded(length: number): { readonly token: (parties: Parties) => Promise<string> } {
  return { token: ({ token }) => token({ claims: { padding: "x".repeat(length) } }) };
}

/** What a token looks like, before anything in it counts (RFC 7515 section 5.2). */
export const tokenForm: readonly AdapterCase[] = [
  accepted("a long token", padded(11_000)),
  rejected("a token of more than 16 KiB", "ERR_TOKEN_MALFORMED", padded(13_000)),
  rejected("16 KiB of periods", "ERR_TOKEN_MALFORMED", { token: () => ".".repeat(16_000) }),

  rejected("an opaque token", "ERR_TOKEN_MALFORMED", { token: () => "7f3c1de05b2a4e6f9b1d" }),
  rejected(
    "two parts",
    "ERR_TOKEN_MALFORMED",
    changed((token) => token.slice(0, token.lastIndexOf("."))),
  ),
  rejected(
    "four parts",
    "ERR_TOKEN_MALFORMED",
    changed((token) => `${token}.e30`),
  ),
  rejected(
    "five parts, as encrypted tokens have",
    "ERR_TOKEN_MALFORMED",
    changed((token) => `${token}.e30.e30`),
  ),
  rejected(
    "a period at the end",
    "ERR_TOKEN_MALFORMED",
    changed((token) => `${token}.`),
  ),
  rejected(
    "an empty header part",
    "ERR_TOKEN_MALFORMED",
    changedPart(0, () => ""),
  ),
  rejected(
    "an empty payload",
    "ERR_TOKEN_MALFORMED",
    changedPart(1, () => ""),
  ),
  rejected(
    "padding",
    "ERR_TOKEN_MALFORMED",
    changedPart(2, (signature) => `${signature}==`),
  ),
  rejected(
    "padding of the header part",
    "ERR_TOKEN_MALFORMED",
    changedPart(0, (header) => `${header}=`),
  ),
  rejected("loose bits in the last character", "ERR_TOKEN_MALFORMED", changedPart(2, withLooseBits)),
  rejected(
    "the standard base64 alphabet",
    "ERR_TOKEN_MALFORMED",
    changedPart(2, (part) => `+${part.slice(1)}`),
  ),
  rejected(
    "a letter beyond ASCII",
    "ERR_TOKEN_MALFORMED",
    changed((token) => `${token}é`),
  ),
  rejected(
    "quotes around the token",
    "ERR_TOKEN_MALFORMED",
    changed((token) => `"${token}"`),
  ),
  rejected(
    "a header that is no object",
    "ERR_TOKEN_MALFORMED",
    changedPart(0, () => "W10"),
  ),
  rejected(
    "a payload that is no object",
    "ERR_TOKEN_MALFORMED",
    changedPart(1, () => "W10"),
  ),
  rejected(
    "a payload that is no JSON",
    "ERR_TOKEN_MALFORMED",
    changedPart(1, () => "e30e"),
  ),

  rejected("a signature of which one bit was changed", "ERR_TOKEN_SIGNATURE", changed(tamperSignature)),
  rejected(
    "no signature",
    "ERR_TOKEN_SIGNATURE",
    changedPart(2, () => ""),
  ),
  rejected(
    "a payload that was changed after signing",
    "ERR_TOKEN_SIGNATURE",
    changed((token) => tamperPayload(token, { sub: "somebody-else" })),
  ),
  rejected("a token re-bound by the thief", "ERR_TOKEN_SIGNATURE", {
    token: async ({ token, thief }) => tamperPayload(await token(), { cnf: { "x5t#S256": thief.thumbprint } }),
    presents: "thief",
  }),
];
