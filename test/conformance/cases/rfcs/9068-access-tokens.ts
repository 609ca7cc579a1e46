import { accepts, type ConformanceCase } from "../../conformance-case.ts";

export const cases: readonly ConformanceCase[] = [
  accepts("9068-02", "a token signed with RS256", {
    accepted: { token: ({ token, keys }) => token({ key: keys.RS256 }) },
    // An RS256 signature that is wrong in one thing.
    refusedBy: "C-07",
  }),
];
