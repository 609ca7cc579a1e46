import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";

const program = fileURLToPath(new URL("replaced-promise.mjs", import.meta.url));

/** Runs the program with the built packages, in another process because it replaces the global Promise. */
async function run(library: string, order: string): Promise<unknown> {
  const { stdout } = await promisify(execFile)(process.execPath, [program, library, order]);
  return JSON.parse(stdout);
}

const each = (outcome: string): readonly string[] => [outcome, outcome, outcome, outcome];

/** The outcomes that must not depend on the Promise class; four attempts each: two requests, two calls of `verify()`. */
const expected = {
  results: {
    good: each("accepted verified"),
    stolen: each("ERR_BINDING_MISMATCH"),
    "rejected by the policy": each("ERR_CERTIFICATE_UNTRUSTED"),
    "without the scope": each("ERR_SCOPE_INSUFFICIENT"),
    "not authorized": each("ERR_ACCESS_DENIED"),
    authorized: each("accepted verified"),
  },
  authorized: [...each("verified"), ...each("verified")],
};

describe("all checks", () => {
  test("decide with the native Promise", async () => {
    expect(await run("native", "before")).toEqual({ isReplaced: false, ...expected });
  });

  describe.each(["before", "after"])("with a Promise that is replaced %s certbound is loaded", (order) => {
    test.each(["subclass", "bluebird", "zone"])("make the same decisions with %s", async (library) => {
      expect(await run(library, order)).toEqual({ isReplaced: true, ...expected });
    });
  });
});
