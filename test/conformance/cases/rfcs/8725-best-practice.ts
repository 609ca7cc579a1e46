import { deflateRawSync } from "node:zlib";
import { type Attempt, type ConformanceCase, rejects } from "../../conformance-case.ts";
import type { RawToken } from "../../raw-token.ts";
import { AUDIENCE } from "../../scene.ts";
import { changed, type Signer, signers } from "../../signers.ts";

/** Zeros that inflate to many times what a request may hold. */
const BOMB = deflateRawSync(Buffer.alloc(8 * 1024 * 1024));

function sent(differences: RawToken): Attempt {
  return { token: ({ token }) => token(differences) };
}

/** Signs another text than that of the token, in which one byte is another. */
function overChangedByte(at: "header" | "payload"): Signer {
  return (input, key) => {
    const position = at === "header" ? 10 : input.indexOf(".") + 10;
    return signers.ES256(Buffer.from(input.with(position, (input[position] ?? 0) ^ 1)), key);
  };
}

export const cases: readonly ConformanceCase[] = [
  ...(["header", "payload"] as const).map((part) =>
    rejects("8725-03", `a signature over a ${part} that is another by one byte`, {
      accepted: sent({ signer: signers.ES256 }),
      rejected: sent({ signer: overChangedByte(part) }),
      code: "ERR_TOKEN_SIGNATURE",
    }),
  ),
  ...(
    [
      ["cut off", (bytes) => bytes.subarray(0, -1)],
      ["longer by a byte", (bytes) => Buffer.concat([bytes, Buffer.alloc(1)])],
      ["with its halves exchanged", (bytes) => Buffer.concat([bytes.subarray(32), bytes.subarray(0, 32)])],
      ["of zeros behind r", (bytes) => Buffer.concat([bytes.subarray(0, 32), Buffer.alloc(32)])],
      ["of zeros before s", (bytes) => Buffer.concat([Buffer.alloc(32), bytes.subarray(32)])],
      ["of ones", () => Buffer.alloc(64, 0xff)],
    ] as const satisfies readonly (readonly [string, (bytes: Buffer) => Buffer])[]
  ).map(([name, change]) =>
    rejects(["8725-04", "8725-03", "C-11"], `a signature ${name}`, {
      accepted: sent({ signer: signers.ES256 }),
      rejected: sent({ signer: changed(signers.ES256, change) }),
      code: "ERR_TOKEN_SIGNATURE",
    }),
  ),
  rejects("8725-07", "a token that the issuer made for another API", {
    accepted: sent({ claims: { aud: AUDIENCE } }),
    rejected: sent({ claims: { aud: "https://other-api.example" } }),
    code: "ERR_TOKEN_AUDIENCE",
  }),
  rejects("8725-10", "a compressed payload, but not a header that only speaks of it", {
    accepted: sent({ header: { zip: "DEF" } }),
    rejected: { token: ({ token }) => token({ header: { zip: "DEF" }, payloadText: (json) => deflateRawSync(json) }) },
    code: "ERR_TOKEN_MALFORMED",
  }),
  rejects("8725-10", "a payload that would inflate to 8 MiB", {
    accepted: sent({ header: { zip: "DEF" } }),
    rejected: sent({ header: { zip: "DEF" }, payloadText: () => BOMB }),
    code: "ERR_TOKEN_MALFORMED",
  }),
  rejects("8725-10", "an algorithm with a password, and two thousand million rounds of hashing", {
    accepted: sent({ header: { p2s: "AAAAAAAAAAA", p2c: 2 ** 31 - 1 } }),
    rejected: sent({ header: { p2s: "AAAAAAAAAAA", p2c: 2 ** 31 - 1, alg: "PBES2-HS512+A256KW" } }),
    code: "ERR_TOKEN_ALGORITHM",
  }),
  rejects("8725-10", "a token that is encrypted with a password, of two thousand million rounds of hashing", {
    rejected: sent({
      header: { p2s: "AAAAAAAAAAA", p2c: 2 ** 31 - 1, alg: "PBES2-HS512+A256KW", enc: "A256GCM", zip: "DEF" },
      join: (header, payload, signature) => [header, "AAAA", "AAAA", payload, signature].join("."),
    }),
    code: "ERR_TOKEN_MALFORMED",
  }),
];
