import { describe, expect, test } from "vitest";
import { createRemoteValue } from "../../src/issuer/remote-value.ts";
import { reasonOf } from "../support/outcome.ts";
import { arrange, turn } from "../support/remote-value.ts";

const second = 1000;
const minute = 60 * second;

describe("a value", () => {
  test("that is too old by the time it is there is a failure, and may be tried again after a second", async () => {
    const clockWithSteps = (step: number) => {
      let time = 0;
      return () => (time += step);
    };
    const late = createRemoteValue(async () => "one", { elapsed: clockWithSteps(70 * minute) });
    expect(await reasonOf(late.refreshed())).toMatchObject({ name: "RemoteFailure", retryAfter: 1 });
    const timely = createRemoteValue(async () => "one", { elapsed: clockWithSteps(69 * minute) });
    expect(await timely.refreshed()).toBe("one");
  });

  test("is not fetched before it is asked for, and is not there until then", async () => {
    const { value, fetches } = arrange("one");
    expect(value.current()).toBeUndefined();
    expect(value.failure()).toBeUndefined();
    await turn();
    expect(fetches()).toBe(0);
    expect(await value.refreshed()).toBe("one");
    expect(value.current()).toBe("one");
  });

  test("is fetched once for all who wait", async () => {
    const { value, fetches } = arrange("one");
    const values = await Promise.all(Array.from({ length: 1000 }, () => value.refreshed()));
    expect(new Set(values)).toEqual(new Set(["one"]));
    expect(fetches()).toBe(1);
  });

  test("is not fetched again within 10 s, and is after that", async () => {
    const { value, publish, pass, fetches } = arrange("one");
    await value.refreshed();
    publish("two");
    pass(10 * second - 1);
    expect(await value.refreshed()).toBe("one");
    expect(fetches()).toBe(1);
    pass(1);
    expect(await value.refreshed()).toBe("two");
    expect(value.current()).toBe("two");
  });

  test("may be used for 10 minutes without another fetch being over", async () => {
    const { value, publish, pass, hold } = arrange("one");
    await value.refreshed();
    publish("two");
    const release = hold();
    pass(10 * minute - 1);
    expect(value.current()).toBe("one");
    pass(1);
    expect(value.current()).toBeUndefined();
    release();
    expect(await value.refreshed()).toBe("two");
  });

  test("is fetched ahead of time after 8 minutes, by those who use it, and once", async () => {
    const { value, publish, pass, fetches } = arrange("one");
    await value.refreshed();
    publish("two");
    pass(8 * minute - 1);
    expect(value.current()).toBe("one");
    expect(fetches()).toBe(1);
    pass(1);
    expect([value.current(), value.current()]).toEqual(["one", "one"]);
    await turn();
    expect(value.current()).toBe("two");
    expect(fetches()).toBe(2);
  });

  test("that is fetched ahead of time is the one that those are given who ask for another fetch", async () => {
    const { value, publish, pass, fetches } = arrange("one");
    await value.refreshed();
    publish("two");
    pass(9 * minute);
    expect(value.current()).toBe("one");
    expect(await value.refreshed()).toBe("two");
    expect(fetches()).toBe(2);
  });
});

test.each([
  [10_000, 1],
  [0, 2],
])("with a cool-down of %i ms and the time of the process, two uses fetch it %i times", async (coolDown, expected) => {
  let fetches = 0;
  const value = createRemoteValue(
    async () => {
      fetches += 1;
      return "one";
    },
    { coolDown },
  );
  expect([await value.refreshed(), await value.refreshed(), value.current()]).toEqual(["one", "one", "one"]);
  expect(fetches).toBe(expected);
});

test("without options, a value has no cool-down", async () => {
  let fetches = 0;
  const value = createRemoteValue(async () => {
    fetches += 1;
    return "one";
  });
  expect([await value.refreshed(), await value.refreshed()]).toEqual(["one", "one"]);
  expect(fetches).toBe(2);
});
