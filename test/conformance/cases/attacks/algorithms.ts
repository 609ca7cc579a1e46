import { type ConformanceCase, refuses } from "../../conformance-case.ts";
import { constant, hmac } from "../../signers.ts";

const unsigned = constant(new Uint8Array());

export const cases: readonly ConformanceCase[] = [
  ...["none", "None", "NONE", "nOnE", "none ", ""].map((alg) =>
    refuses(["C-01", "7518-04", "8725-02"], `a token without signature, whose alg is ${JSON.stringify(alg)}`, {
      accepted: { token: ({ token }) => token() },
      refused: { token: ({ token }) => token({ header: { alg }, signer: unsigned }) },
      code: "ERR_TOKEN_ALGORITHM",
    }),
  ),
  refuses("C-01", "a token whose signature was removed", {
    refused: { token: ({ token }) => token({ signer: unsigned }) },
    code: "ERR_TOKEN_SIGNATURE",
  }),
  ...(["pem", "der"] as const).map((format) =>
    refuses("C-02", `an HMAC keyed with the public key as ${format}`, {
      refused: {
        token: ({ token, keys }) => {
          const { publicKey } = keys.RS256;
          const secret =
            format === "pem"
              ? publicKey.export({ type: "spki", format: "pem" })
              : publicKey.export({ type: "spki", format: "der" });
          return token({ key: keys.RS256, header: { alg: "HS256" }, signer: hmac("sha256", secret) });
        },
      },
      code: "ERR_TOKEN_ALGORITHM",
    }),
  ),
];
