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
afterAll(() => parties.close());

async function explain(setup: Setup): ReturnType<typeof explained> {
  const { token, argv } = await inputsOf(parties, setup);
  const result = await explained(token, argv);
  // Short parts, such as the words of an invalid token, may occur in the output.
  for (const secret of secretsOf(token)) expect(result.stdout).not.toContain(secret);
  return result;
}

describe("explain", () => {
  test.each(brokenSetups.map((setup) => [setup.cause, setup] as const))(
    "names the cause %s",
    async (cause, setup: BrokenSetup) => {
      const { code, broken, repaired = (): Setup => ({}) } = setup;
      const { report, exitCode } = await explain(await broken(parties));
      const first = report.steps.filter((step) => step.first === true);
      expect(first).toMatchObject([{ cause, code, status: "failed" }]);
      expect(report).toMatchObject({ accepted: false, exitCode, answer: { code } });
      expect(exitCode).toBe(code === "ERR_KEYS_UNAVAILABLE" ? 3 : 1);
      const accepted = await explain(await repaired(parties));
      expect(accepted.report).toMatchObject({ accepted: true, exitCode: 0, answer: { status: 200 } });
    },
  );

  test("is tested with every cause that does not require a network", () => {
    const tested = new Set(brokenSetups.map(({ cause }) => cause));
    const untested = causes.map(({ id }) => id).filter((id) => !tested.has(id));
    expect(untested).toEqual(["issuer-host-unknown"]);
    expect(brokenSetups.length).toBeGreaterThan(100);
  });
});

describe("findCause for ERR_CERTIFICATE_MALFORMED", () => {
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

  test("returns header-list-incomplete if the detail names an incomplete header list", () => {
    expect(causeFor("the header list is incomplete: Node keeps 1000 fields")).toBe("header-list-incomplete");
  });

  test("returns header-of-unknown-format if the detail does not mention the header list", () => {
    expect(causeFor("the header ssl-client-cert is not percent-encoded PEM")).toBe("header-of-unknown-format");
  });
});
