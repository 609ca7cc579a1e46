import { expect, test } from "vitest";
import { createSingleFlight } from "../../src/runtime/promises.ts";
import { reasonOf } from "../support/outcome.ts";

test("a single flight shares one run for each name until it has settled", async () => {
  const singleFlight = createSingleFlight<number>();
  let runs = 0;
  const run = async (): Promise<number> => (runs += 1);
  expect(await Promise.all([singleFlight("a", run), singleFlight("a", run), singleFlight("b", run)])).toEqual([
    1, 1, 2,
  ]);
  expect(await singleFlight("a", run)).toBe(3);
});

test("a single flight shares a failure, and runs again on the next call", async () => {
  const singleFlight = createSingleFlight<string>();
  const failing = () => Promise.reject(new Error("no"));
  const reasons = await Promise.all([reasonOf(singleFlight("a", failing)), reasonOf(singleFlight("a", failing))]);
  expect(reasons[0]).toBe(reasons[1]);
  expect(await singleFlight("a", async () => "yes")).toBe("yes");
});
