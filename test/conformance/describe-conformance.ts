import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectRejected } from "./responses.ts";
import {
  type Api,
  type Attempt,
  type ConformanceCase,
  type AttemptCase,
  type ProgramCase,
  testName,
} from "./conformance-case.ts";
import { type FrontEnd, frontEnds, type Outcome } from "./front-ends.ts";
import { type Stage, startStage } from "./stage.ts";

/** Declares the tests of the cases. A case that concerns requests runs on each server, any other case once. */
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
    const selected = cases.filter(isAttempt).filter((entry) => runsOn(frontEnd, entry));
    test.each(namedCases(selected))("%s", async (_name, { api, accepted, rejected }) => {
      const attempt = (sent: Attempt): Promise<Outcome> => frontEnd.attempt(stage, api, sent);
      expectAccepted(await attempt(accepted));
      if (rejected === undefined) return;
      const { codes, handled, response } = await attempt(rejected);
      expect({ codes, handled }).toEqual({ codes: [rejected.code], handled: 0 });
      if (response !== undefined) expectRejected(response, rejected.code);
    });
  });
}

function namedCases<Case extends ConformanceCase>(cases: readonly Case[]): [string, Case][] {
  return cases.map((entry) => [testName(entry), entry]);
}

function isProgram(entry: ConformanceCase): entry is ProgramCase {
  return "run" in entry;
}

function isAttempt(entry: ConformanceCase): entry is AttemptCase {
  return !isProgram(entry);
}

/** Returns whether the front end runs the case: a case that does not concern requests runs only on the verifier. */
function runsOn({ readsRequests }: FrontEnd, { accepted, rejected, api }: AttemptCase): boolean {
  const requestOption = api?.certificateResolver ?? api?.rejection ?? accepted.request ?? rejected?.request;
  return readsRequests === (requestOption !== undefined);
}

function expectAccepted({ codes, handled, response }: Outcome): void {
  const { status = 200, headers } = response ?? {};
  const challenge = headers?.["www-authenticate"];
  expect({ codes, handled, status, challenge }).toEqual({ codes: [], handled: 1, status: 200, challenge: undefined });
}
