import { expect, test } from "vitest";
import { createSingleFlight } from "../../src/runtime/promises.ts";
import { reasonOf } from "../support/outcome.ts";

test("one of a name runs at a time, and is forgotten when it has settled", async () => {
  const once = createSingleFlight<number>();
  let runs = 0;
  const run = async (): Promise<number> => (runs += 1);
  expect(await Promise.all([once("a", run), once("a", run), once("b", run)])).toEqual([1, 1, 2]);
  expect(await once("a", run)).toBe(3);
});

test("a failure is that of all who asked, and the next one runs anew", async () => {
  const once = createSingleFlight<string>();
  const failing = () => Promise.reject(new Error("no"));
  const reasons = await Promise.all([reasonOf(once("a", failing)), reasonOf(once("a", failing))]);
  expect(reasons[0]).toBe(reasons[1]);
  expect(await once("a", async () => "yes")).toBe("yes");
});
