import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectRefused } from "./answers.ts";
import { type Api, type Attempt, type ConformanceCase, type ExchangeCase, testName } from "./conformance-case.ts";
import { type FrontEnd, frontEnds, type Outcome } from "./front-ends.ts";
import { type Stage, startStage } from "./stage.ts";

/** Declares the tests of the cases: an exchange by every front end that is for it, a program once. */
export function describeConformance(cases: readonly ConformanceCase[]): void {
  let stage: Stage;
  beforeAll(async () => {
    stage = await startStage(cases.flatMap(({ api }): Api[] => (api === undefined ? [] : [api])));
  });
  afterAll(() => stage.close());

  for (const entry of cases) {
    if ("run" in entry) test(testName(entry), () => entry.run(stage));
  }

  describe.each(frontEnds.map((frontEnd) => [frontEnd.name, frontEnd] as const))("%s", (_name, frontEnd) => {
    for (const entry of cases) {
      if ("run" in entry || !isFor(frontEnd, entry)) continue;
      test(testName(entry), async () => {
        const { api, accepted, refused } = entry;
        const attempt = (given: Attempt): Promise<Outcome> => frontEnd.attempt(stage, api, given);
        expectOutcome(await attempt(accepted), { codes: [], handled: 1 });
        if (refused === undefined) return;
        const outcome = await attempt(refused);
        expectOutcome(outcome, { codes: [refused.code], handled: 0 });
        if (outcome.answer !== undefined) expectRefused(outcome.answer, refused.code);
      });
    }
  });
}

function isFor({ readsRequests }: FrontEnd, { accepted, refused, api }: ExchangeCase): boolean {
  const isOfRequests = api?.certificateResolver ?? accepted.request ?? refused?.request;
  return readsRequests || isOfRequests === undefined;
}

function expectOutcome({ codes, handled, answer }: Outcome, expected: Omit<Outcome, "answer">): void {
  expect({ codes, handled }).toEqual(expected);
  if (expected.handled > 0 && answer !== undefined) {
    const { status, headers } = answer;
    expect({ status, challenge: headers["www-authenticate"] }).toEqual({ status: 200, challenge: undefined });
  }
}
