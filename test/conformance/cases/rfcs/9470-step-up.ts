import { expect } from "vitest";
import { type Api, type Attempt, conforms, type ConformanceCase, rejects } from "../../conformance-case.ts";
import { onEachServer } from "../../on-each-server.ts";
import { NOW } from "../../scene.ts";

const ACR = "https://issuer.example/acr/two-factors";

const stepUp: Api = { requirements: { acrValues: ["urn:other", ACR], maxAge: 300 } };

const sufficient = { acr: ACR, auth_time: NOW - 300 };

const insufficient: Readonly<Record<string, object>> = {
  "without acr": { acr: undefined },
  "with another acr": { acr: "urn:one-factor" },
  "whose acr contains a sufficient one": { acr: `${ACR} urn:one-factor` },
  "whose acr is a list": { acr: [ACR] },
  "without auth_time": { auth_time: undefined },
  "with an authentication that is too old": { auth_time: NOW - 301 },
  "with an authentication in the future": { auth_time: NOW + 60 },
  "whose auth_time is a string": { auth_time: String(NOW) },
};

function withClaims(claims: object): Attempt {
  return { token: ({ token }) => token({ claims: { ...claims } }) };
}

export const cases: readonly ConformanceCase[] = [
  ...Object.entries(insufficient).map(([name, claims]) =>
    rejects("9470-01", `a token ${name}`, {
      api: stepUp,
      accepted: withClaims(sufficient),
      rejected: withClaims({ ...sufficient, ...claims }),
      code: "ERR_AUTHENTICATION_INSUFFICIENT",
    }),
  ),
  conforms(
    "9470-01",
    "sends the requirements in the challenge",
    async (stage) => {
      const { own, token } = stage.scene;
      await onEachServer(stage, stepUp, async (send) => {
        expect(await send({ identity: own, token: token({ claims: sufficient }) })).toMatchObject({ status: 200 });
        const { status, headers } = await send({ identity: own, token: token() });
        const challenge = headers["www-authenticate"];
        expect(status).toBe(401);
        expect(challenge).toMatch(/^Bearer .*error="insufficient_user_authentication"/);
        expect(challenge).toContain(`, acr_values="urn:other ${ACR}"`);
        expect(challenge).toContain(', max_age="300"');
      });
    },
    stepUp,
  ),
];
