import { type ConformanceCase, refuses } from "../../conformance-case.ts";

export const cases: readonly ConformanceCase[] = [
  refuses(["W-01", "6750-02"], "the token in two Authorization headers", {
    accepted: { request: { lines: (token) => [["authorization", `Bearer ${token}`]] } },
    refused: {
      request: {
        lines: (token) => [
          ["authorization", `Bearer ${token}`],
          ["Authorization", `Bearer ${token}`],
        ],
      },
    },
    code: "ERR_REQUEST_MALFORMED",
  }),
];
