import { type ConformanceCase, refuses } from "../../conformance-case.ts";

/** Writes a number for exp as JSON has it, also one that JavaScript cannot write. */
const expiringAt = (number: string) => (json: string) => json.replace(/"exp":\d+/, `"exp":${number}`);

export const cases: readonly ConformanceCase[] = ["1e999", "1e308", "9007199254740993", "1e12"].map((number) =>
  refuses("T-02", `a token whose exp is ${number}`, {
    accepted: { token: ({ token }) => token({ payloadText: expiringAt("1900000300.5") }) },
    refused: { token: ({ token }) => token({ payloadText: expiringAt(number) }) },
    code: "ERR_TOKEN_CLAIM",
  }),
);
