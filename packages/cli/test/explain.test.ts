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

  test("returns header-list-incomplete if the detail mentions an incomplete header list", () => {
    expect(causeFor("the header list may be incomplete: this request has 1000 or more fields")).toBe(
      "header-list-incomplete",
    );
  });

  test("returns header-of-unknown-format if the detail does not mention the header list", () => {
    expect(causeFor("the header ssl-client-cert is not percent-encoded PEM")).toBe("header-of-unknown-format");
  });
});

describe("findCause for ERR_TOKEN_ALGORITHM", () => {
  function fixFor(rules: Partial<Facts["rules"]>): string | undefined {
    const header = Buffer.from(JSON.stringify({ alg: "RS256" })).toString("base64url");
    const facts: Facts = {
      token: readTokenText(`${header}.e30.AAAA`),
      rules: { issuer: undefined, audience: null, jwks: undefined, algorithms: undefined, scopes: [], ...rules },
      presented: {
        input: null,
        thumbprint: undefined,
        x509: undefined,
        source: "",
        file: undefined,
        forwarded: undefined,
        others: [],
      },
      issuerRequests: [],
      markedInputs: [],
      keys: undefined,
      now: 0,
    };
    return findCause("ERR_TOKEN_ALGORITHM", facts)?.fix;
  }

  test("suggests adding the algorithm to the option algorithms", () => {
    const fix = "add it to algorithms, or configure the issuer to sign with PS256";
    expect(fixFor({ algorithms: ["PS256"] })).toBe(fix);
    expect(fixFor({ algorithms: ["PS256"], profile: "rfc9068" })).toBe(fix);
  });

  test("does not suggest adding an algorithm that the profile does not allow", () => {
    expect(fixFor({ profile: "fapi2" })).toBe("configure the issuer to sign with PS256, ES256 or EdDSA");
    expect(fixFor({ profile: "fapi2", algorithms: ["ES256"] })).toBe("configure the issuer to sign with ES256");
  });
});

describe("the fix of type-generic", () => {
  const generic = async (typ: string | undefined, more: readonly string[]) => {
    const token = parties.issuer.accessToken({ boundTo: parties.client, header: { typ } });
    const { report } = await explain({ token, more });
    return report.steps.find(({ cause }) => cause === "type-generic");
  };

  test("is an option that the API accepts", async () => {
    expect((await generic("JWT", ["--profile", "rfc9068"]))?.fix).toMatch(/or do not use the profile$/);
    expect((await generic("JWT", ["--token-type", "at+jwt"]))?.fix).toMatch(/or add "JWT" to tokenTypes$/);
    expect((await generic(undefined, ["--token-type", "at+jwt"]))?.fix).toMatch(/or add null to tokenTypes$/);
  });
});
