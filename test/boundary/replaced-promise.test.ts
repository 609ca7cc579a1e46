import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";

const program = fileURLToPath(new URL("replaced-promise.mjs", import.meta.url));

/** Runs the program with the packages as they are built, since another Promise would replace that of the tests as well. */
async function run(library: string, order: string): Promise<unknown> {
  const { stdout } = await promisify(execFile)(process.execPath, [program, library, order]);
  return JSON.parse(stdout);
}

const each = (outcome: string): readonly string[] => [outcome, outcome, outcome, outcome];

/** What must be decided, whatever the class of promises; four attempts each: two requests, two calls of `verify()`. */
const decided = {
  results: {
    good: each("accepted verified"),
    stolen: each("ERR_BINDING_MISMATCH"),
    "rejected by the policy": each("ERR_CERTIFICATE_UNTRUSTED"),
    "without the scope": each("ERR_SCOPE_INSUFFICIENT"),
    "not authorized": each("ERR_ACCESS_DENIED"),
    authorized: each("accepted verified"),
  },
  asked: [...each("verified"), ...each("verified")],
};

describe("with the global Promise", () => {
  test("of Node, every check decides", async () => {
    expect(await run("native", "before")).toEqual({ isReplaced: false, ...decided });
  });

  describe.each(["before", "after"])("replaced %s certbound is loaded", (order) => {
    test.each(["subclass", "bluebird", "zone"])("by %s, every check decides alike", async (library) => {
      expect(await run(library, order)).toEqual({ isReplaced: true, ...decided });
    });
  });
});
