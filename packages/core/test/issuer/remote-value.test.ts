import { describe, expect, test } from "vitest";
import { createRemoteValue } from "../../src/issuer/remote-value.ts";
import { reasonOf } from "../support/outcome.ts";
import { arrange, turn } from "../support/remote-value.ts";

const second = 1000;
const minute = 60 * second;

describe("a remote value", () => {
  test("fails if it is too old when it arrives, and can be fetched again after a second", async () => {
    const clockWithSteps = (step: number) => {
      let time = 0;
      return () => (time += step);
    };
    const late = createRemoteValue(async () => "one", { elapsed: clockWithSteps(70 * minute) });
    expect(await reasonOf(late.refreshed())).toMatchObject({ name: "RemoteFailure", retryAfter: 1 });
    const timely = createRemoteValue(async () => "one", { elapsed: clockWithSteps(69 * minute) });
    expect(await timely.refreshed()).toBe("one");
  });

  test("is not fetched until it is requested", async () => {
    const { value, fetches } = arrange("one");
    expect(value.current()).toBeUndefined();
    expect(value.failure()).toBeUndefined();
    await turn();
    expect(fetches()).toBe(0);
    expect(await value.refreshed()).toBe("one");
    expect(value.current()).toBe("one");
  });

  test("is fetched once for all simultaneous callers", async () => {
    const { value, fetches } = arrange("one");
    const values = await Promise.all(Array.from({ length: 1000 }, () => value.refreshed()));
    expect(new Set(values)).toEqual(new Set(["one"]));
    expect(fetches()).toBe(1);
  });

  test("is fetched again only after the cool-down of 10 s", async () => {
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

  test("is used for 10 minutes while another fetch is in flight", async () => {
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

  test("is fetched once in the background when it is used after 8 minutes", async () => {
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

  test("is fetched once if a refresh is requested during a background fetch", async () => {
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
])(
  "with a cool-down of %i ms and the default clock, two refreshes of a value cause this number of fetches: %i",
  async (coolDown, expected) => {
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
  },
);

test("a value has no cool-down by default", async () => {
  let fetches = 0;
  const value = createRemoteValue(async () => {
    fetches += 1;
    return "one";
  });
  expect([await value.refreshed(), await value.refreshed()]).toEqual(["one", "one"]);
  expect(fetches).toBe(2);
});
