import { deflateRawSync } from "node:zlib";
import { type Attempt, type ConformanceCase, rejects } from "../../conformance-case.ts";
import type { RawToken } from "../../raw-token.ts";
import { AUDIENCE } from "../../scene.ts";
import { changed, type Signer, signers } from "../../signers.ts";

/** Zeros that decompress to many times the maximum size of a request. */
const BOMB = deflateRawSync(Buffer.alloc(8 * 1024 * 1024));

function sent(differences: RawToken): Attempt {
  return { token: ({ token }) => token(differences) };
}

/** Signs a copy of the token with one changed byte. */
function overChangedByte(at: "header" | "payload"): Signer {
  return (input, key) => {
    const position = at === "header" ? 10 : input.indexOf(".") + 10;
    return signers.ES256(Buffer.from(input.with(position, (input[position] ?? 0) ^ 1)), key);
  };
}

export const cases: readonly ConformanceCase[] = [
  ...(["header", "payload"] as const).map((part) =>
    rejects("8725-03", `a signature over a ${part} with one changed byte`, {
      accepted: sent({ signer: signers.ES256 }),
      rejected: sent({ signer: overChangedByte(part) }),
      code: "ERR_TOKEN_SIGNATURE",
    }),
  ),
  ...(
    [
      ["without its last byte", (bytes) => bytes.subarray(0, -1)],
      ["with an additional byte", (bytes) => Buffer.concat([bytes, Buffer.alloc(1)])],
      ["with its halves swapped", (bytes) => Buffer.concat([bytes.subarray(32), bytes.subarray(0, 32)])],
      ["with zeros instead of s", (bytes) => Buffer.concat([bytes.subarray(0, 32), Buffer.alloc(32)])],
      ["with zeros instead of r", (bytes) => Buffer.concat([Buffer.alloc(32), bytes.subarray(32)])],
      ["with all bits set", () => Buffer.alloc(64, 0xff)],
    ] as const satisfies readonly (readonly [string, (bytes: Buffer) => Buffer])[]
  ).map(([name, change]) =>
    rejects(["8725-04", "8725-03", "C-11"], `a signature ${name}`, {
      accepted: sent({ signer: signers.ES256 }),
      rejected: sent({ signer: changed(signers.ES256, change) }),
      code: "ERR_TOKEN_SIGNATURE",
    }),
  ),
  rejects("8725-07", "a token that the issuer issued for another API", {
    accepted: sent({ claims: { aud: AUDIENCE } }),
    rejected: sent({ claims: { aud: "https://other-api.example" } }),
    code: "ERR_TOKEN_AUDIENCE",
  }),
  rejects("8725-10", "a compressed payload, but not an uncompressed one with zip in the header", {
    accepted: sent({ header: { zip: "DEF" } }),
    rejected: { token: ({ token }) => token({ header: { zip: "DEF" }, payloadText: (json) => deflateRawSync(json) }) },
    code: "ERR_TOKEN_MALFORMED",
  }),
  rejects("8725-10", "a payload that would decompress to 8 MiB", {
    accepted: sent({ header: { zip: "DEF" } }),
    rejected: sent({ header: { zip: "DEF" }, payloadText: () => BOMB }),
    code: "ERR_TOKEN_MALFORMED",
  }),
  rejects("8725-10", "a password-based algorithm with two billion hash iterations", {
    accepted: sent({ header: { p2s: "AAAAAAAAAAA", p2c: 2 ** 31 - 1 } }),
    rejected: sent({ header: { p2s: "AAAAAAAAAAA", p2c: 2 ** 31 - 1, alg: "PBES2-HS512+A256KW" } }),
    code: "ERR_TOKEN_ALGORITHM",
  }),
  rejects("8725-10", "a password-encrypted token with two billion hash iterations", {
    rejected: sent({
      header: { p2s: "AAAAAAAAAAA", p2c: 2 ** 31 - 1, alg: "PBES2-HS512+A256KW", enc: "A256GCM", zip: "DEF" },
      join: (header, payload, signature) => [header, "AAAA", "AAAA", payload, signature].join("."),
    }),
    code: "ERR_TOKEN_MALFORMED",
  }),
];
