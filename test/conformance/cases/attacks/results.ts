import { setImmediate } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect } from "vitest";
import { conforms, type ConformanceCase } from "../../conformance-case.ts";
import { AUDIENCE } from "../../scene.ts";
import { outcomeOf, verifierOf } from "../../verification.ts";

/** Changes that an application might make to a result by mistake. */
const changes: readonly ((result: {
  claims: Record<string, unknown> & { aud: string[]; act: { sub: string }; list: { role: string }[]; cnf: object };
  binding: string;
  clientCertificate: { thumbprint: string };
}) => void)[] = [
  ({ claims }) => {
    claims["sub"] = "another subject";
  },
  ({ claims }) => {
    claims["admin"] = true;
  },
  ({ claims }) => {
    delete claims["scope"];
  },
  ({ claims }) => {
    claims.aud.push("https://other-api.example");
  },
  ({ claims }) => {
    claims.act.sub = "another subject";
  },
  ({ claims }) => {
    for (const item of claims.list) item.role = "admin";
  },
  ({ claims }) => {
    Object.assign(claims.cnf, { "x5t#S256": "another" });
  },
  (result) => {
    result.binding = "unbound";
  },
  (result) => {
    result.claims = {} as never;
  },
  ({ clientCertificate }) => {
    clientCertificate.thumbprint = "another";
  },
];

export const cases: readonly ConformanceCase[] = [
  conforms("Q-06", "returns results that an application cannot change for the next request", async ({ scene }) => {
    const verifier = verifierOf({ jwks: scene.jwks });
    const token = scene.token({ claims: { aud: [AUDIENCE], act: { sub: "actor" }, list: [{ role: "user" }] } });
    const verify = () => verifier.verify(token, { clientCertificate: scene.own.der });
    const before = JSON.stringify((await verify()).claims);
    for (const change of changes) {
      const result = await verify();
      // Sloppy-mode code does not throw, but the result is unchanged.
      expect(() => change(result as never)).toThrow(TypeError);
      expect(JSON.stringify((await verify()).claims)).toBe(before);
    }
    const { clientCertificate } = await verify();
    expect(clientCertificate?.thumbprint).toBe(scene.own.thumbprint);
    const stolen = verifier.verify(token, { clientCertificate: scene.other.der });
    expect(await outcomeOf(stolen)).toBe("ERR_BINDING_MISMATCH");
  }),
  conforms("Q-06", "does not pass additions of an application to the next request", async (stage) => {
    const { scene } = stage;
    const token = scene.token({ claims: { scope: "read" } });
    const verify = () => stage.verifierOf().verify(token, { clientCertificate: scene.own.der, scopes: ["admin"] });
    const result = await stage.verifierOf().verify(token, { clientCertificate: scene.own.der });
    expect(Reflect.set(result.claims, "scope", "admin")).toBe(false);
    expect(Reflect.defineProperty(result.claims, "scp", { value: ["admin"] })).toBe(false);
    expect(Reflect.setPrototypeOf(result.claims, { scp: ["admin"] })).toBe(false);
    await expect(verify()).rejects.toMatchObject({ code: "ERR_SCOPE_INSUFFICIENT" });
  }),
  conforms("Q-07", "evicts the oldest tokens from a full cache, but none for rejected tokens", async ({ scene }) => {
    const { own, other } = scene;
    const verifier = verifierOf({ jwks: scene.jwks, verifiedTokens: 4 });
    const results: WeakRef<object>[] = [];
    for (let index = 0; index < 24; index += 1) {
      const { claims } = await verifier.verify(scene.token(), { clientCertificate: own.der });
      results.push(new WeakRef(claims));
    }
    for (let index = 0; index < 24; index += 1) {
      const stolen = verifier.verify(scene.token(), { clientCertificate: other.der });
      expect(await outcomeOf(stolen)).toBe("ERR_BINDING_MISMATCH");
    }
    await collectGarbage();
    const areCached = results.map((reference) => reference.deref() !== undefined);
    expect(areCached.slice(20)).toEqual([true, true, true, true]);
    // The garbage collector may not yet have collected all of them.
    expect(areCached.slice(0, 20).filter(Boolean).length).toBeLessThan(5);
  }),
];

/** Collects all unreferenced objects. */
async function collectGarbage(): Promise<void> {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  // The target of a new or dereferenced WeakRef is kept alive until the end of the turn.
  await setImmediate();
  collect();
  await setImmediate();
  collect();
}
