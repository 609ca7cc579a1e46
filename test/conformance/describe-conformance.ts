import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectRejected } from "./responses.ts";
import {
  type Api,
  type Attempt,
  type ConformanceCase,
  type ExchangeCase,
  type ProgramCase,
  testName,
} from "./conformance-case.ts";
import { type FrontEnd, frontEnds, type Outcome } from "./front-ends.ts";
import { type Stage, startStage } from "./stage.ts";

/** Declares the tests of the cases: an exchange that concerns requests on each server, all others once. */
export function describeConformance(cases: readonly ConformanceCase[]): void {
  let stage: Stage;
  beforeAll(async () => {
    stage = await startStage(cases.flatMap(({ api }): Api[] => (api === undefined ? [] : [api])));
  });
  afterAll(() => stage.close());

  test.each(namedCases(cases.filter(isProgram)))("%s", async (_name, { run }) => {
    expect.hasAssertions();
    await run(stage);
  });

  describe.each(frontEnds.map((frontEnd) => [frontEnd.name, frontEnd] as const))("%s", (_frontEnd, frontEnd) => {
    const own = cases.filter(isExchange).filter((entry) => isFor(frontEnd, entry));
    test.each(namedCases(own))("%s", async (_name, { api, accepted, rejected }) => {
      const attempt = (given: Attempt): Promise<Outcome> => frontEnd.attempt(stage, api, given);
      expectAccepted(await attempt(accepted));
      if (rejected === undefined) return;
      const { codes, handled, answer } = await attempt(rejected);
      expect({ codes, handled }).toEqual({ codes: [rejected.code], handled: 0 });
      if (answer !== undefined) expectRejected(answer, rejected.code);
    });
  });
}

function namedCases<Case extends ConformanceCase>(cases: readonly Case[]): [string, Case][] {
  return cases.map((entry) => [testName(entry), entry]);
}

function isProgram(entry: ConformanceCase): entry is ProgramCase {
  return "run" in entry;
}

function isExchange(entry: ConformanceCase): entry is ExchangeCase {
  return !isProgram(entry);
}

/** The verifier decides all that does not concern requests: such a case needs no server. */
function isFor({ readsRequests }: FrontEnd, { accepted, rejected, api }: ExchangeCase): boolean {
  const ofRequests = api?.certificateResolver ?? api?.rejection ?? accepted.request ?? rejected?.request;
  return readsRequests === (ofRequests !== undefined);
}

function expectAccepted({ codes, handled, answer }: Outcome): void {
  const { status = 200, headers } = answer ?? {};
  const challenge = headers?.["www-authenticate"];
  expect({ codes, handled, status, challenge }).toEqual({ codes: [], handled: 1, status: 200, challenge: undefined });
}
