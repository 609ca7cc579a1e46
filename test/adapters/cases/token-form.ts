import { tamperPayload, tamperSignature } from "@certbound/testing";
import type { Parties } from "../../helpers/parties.ts";
import { accepted, type AdapterCase, rejected } from "../adapter-case.ts";

/** Changes the text of the bound token. */
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

/** Replaces the last character by the next one in the alphabet. The bytes are the same if only unused bits differ. */
function withUnusedBits(part: string): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return part.slice(0, -1) + alphabet.charAt(alphabet.indexOf(part.slice(-1)) + 1);
}

/** Returns a token with a claim of this length. */
function padded(length: number): { readonly token: (parties: Parties) => Promise<string> } {
  return { token: ({ token }) => token({ claims: { padding: "x".repeat(length) } }) };
}

/** The form of a token, and its signature (RFC 7515 section 5.2). */
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
    "five parts, like an encrypted token",
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
    "padding of the signature part",
    "ERR_TOKEN_MALFORMED",
    changedPart(2, (signature) => `${signature}==`),
  ),
  rejected(
    "padding of the header part",
    "ERR_TOKEN_MALFORMED",
    changedPart(0, (header) => `${header}=`),
  ),
  rejected("nonzero unused bits in the last character", "ERR_TOKEN_MALFORMED", changedPart(2, withUnusedBits)),
  rejected(
    "the standard base64 alphabet",
    "ERR_TOKEN_MALFORMED",
    changedPart(2, (part) => `+${part.slice(1)}`),
  ),
  rejected(
    "a non-ASCII letter",
    "ERR_TOKEN_MALFORMED",
    changed((token) => `${token}é`),
  ),
  rejected(
    "quotes around the token",
    "ERR_TOKEN_MALFORMED",
    changed((token) => `"${token}"`),
  ),
  rejected(
    "a header that is not an object",
    "ERR_TOKEN_MALFORMED",
    changedPart(0, () => "W10"),
  ),
  rejected(
    "a payload that is not an object",
    "ERR_TOKEN_MALFORMED",
    changedPart(1, () => "W10"),
  ),
  rejected(
    "a payload that is not JSON",
    "ERR_TOKEN_MALFORMED",
    changedPart(1, () => "e30e"),
  ),

  rejected("a signature with one changed bit", "ERR_TOKEN_SIGNATURE", changed(tamperSignature)),
  rejected(
    "an empty signature",
    "ERR_TOKEN_SIGNATURE",
    changedPart(2, () => ""),
  ),
  rejected(
    "a payload that was changed after signing",
    "ERR_TOKEN_SIGNATURE",
    changed((token) => tamperPayload(token, { sub: "client-2" })),
  ),
  rejected("a token that the thief bound to the thief's certificate", "ERR_TOKEN_SIGNATURE", {
    token: async ({ token, thief }) => tamperPayload(await token(), { cnf: { "x5t#S256": thief.thumbprint } }),
    presents: "thief",
  }),
];
