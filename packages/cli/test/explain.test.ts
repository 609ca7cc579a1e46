import { AccessTokenError } from "@certbound/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Facts } from "../src/causes/cause.ts";
import { causes, findCause } from "../src/causes/find-cause.ts";
import { readForwarded } from "../src/inputs/presented-certificate.ts";
import { readTokenText } from "../src/inputs/token-input.ts";
import { type BrokenSetup, brokenSetups, inputsOf, secretsOf, type Setup } from "./broken-setups.ts";
import { createParties, type Parties } from "./parties.ts";
import { explained } from "./running.ts";

let parties: Parties;
beforeAll(async () => {
  parties = await createParties();
});
afterAll(() => parties.end());

async function explain(setup: Setup): ReturnType<typeof explained> {
  const { token, argv } = await inputsOf(parties, setup);
  const result = await explained(token, argv);
  // A word that is no token may stand in a sentence.
  for (const secret of secretsOf(token)) expect(result.stdout).not.toContain(secret);
  return result;
}

describe("explain", () => {
  test.each(brokenSetups.map((setup) => [setup.cause, setup] as const))(
    "names %s",
    async (cause, setup: BrokenSetup) => {
      const { code, broken, repaired = (): Setup => ({}) } = setup;
      const { report, exitCode } = await explain(await broken(parties));
      const first = report.steps.filter((step) => step.first === true);
      expect(first).toMatchObject([{ cause, code, status: "failed" }]);
      expect(report).toMatchObject({ accepted: false, exitCode, answer: { code } });
      expect(exitCode).toBe(code === "ERR_KEYS_UNAVAILABLE" ? 3 : 1);
      const neighbour = await explain(await repaired(parties));
      expect(neighbour.report).toMatchObject({ accepted: true, exitCode: 0, answer: { status: 200 } });
    },
  );

  test("has a set-up for every cause that needs no network", () => {
    const shown = new Set(brokenSetups.map(({ cause }) => cause));
    const unseen = causes.map(({ id }) => id).filter((id) => !shown.has(id));
    expect(unseen).toEqual(["issuer-host-unknown"]);
    expect(brokenSetups.length).toBeGreaterThan(100);
  });
});

describe("the cause of ERR_CERTIFICATE_MALFORMED", () => {
  function causeFor(detail: string): string | undefined {
    const code = "ERR_CERTIFICATE_MALFORMED";
    const forwarded = readForwarded({ headers: [["ssl-client-cert", "x"]], format: "nginx", formatOptions: undefined });
    const facts: Facts = {
      token: readTokenText(""),
      rules: { issuer: undefined, audience: null, jwks: undefined, algorithms: undefined, scopes: [] },
      presented: {
        input: new AccessTokenError(code, { detail }),
        thumbprint: undefined,
        x509: undefined,
        source: "",
        file: undefined,
        forwarded,
        others: [],
      },
      issuerRequests: [],
      markedInputs: [],
      keys: undefined,
      now: 0,
    };
    return findCause(code, facts)?.id;
  }

  test("is the header list where the detail says that it is incomplete", () => {
    expect(causeFor("the header list is incomplete: Node keeps 1000 fields")).toBe("header-list-incomplete");
  });

  test("is the format where the detail says nothing about the header list", () => {
    expect(causeFor("the header ssl-client-cert is not percent-encoded PEM")).toBe("header-of-unknown-format");
  });
});
