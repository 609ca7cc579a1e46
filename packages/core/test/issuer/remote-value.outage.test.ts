import { describe, expect, test } from "vitest";
import { IssuerRequestError } from "../../src/issuer/issuer-request.ts";
import { RemoteFailure } from "../../src/issuer/remote-value.ts";
import { arrange, failureOf, turn } from "../support/remote-value.ts";

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const outage = new IssuerRequestError("the issuer is down");

describe("a failed fetch", () => {
  test("has the message of the IssuerRequestError and the time until the next attempt", async () => {
    const { value } = arrange(outage);
    const failure = await failureOf(value);
    expect(failure).toBeInstanceOf(IssuerRequestError);
    expect([failure.message, failure.retryAfter]).toEqual(["the issuer is down", 1]);
    expect(value.failure()).toMatchObject({ message: "the issuer is down", retryAfter: 1 });
  });

  test.each([
    ["an error", new Error("MARKER")],
    ["a TypeError", new TypeError("MARKER")],
  ])("does not quote %s that is not an IssuerRequestError", async (_name, error) => {
    const { message, stack, cause } = await failureOf(arrange(error).value);
    expect(`${message} ${stack} ${String(cause)}`).not.toContain("MARKER");
  });

  test("is shared by all simultaneous callers", async () => {
    const { value, fetches } = arrange(outage);
    const failures = await Promise.all(Array.from({ length: 1000 }, () => failureOf(value)));
    expect(failures).toHaveLength(1000);
    expect(fetches()).toBe(1);
  });

  test("delays the next fetch by 1 s, 2 s, 4 s and so on, up to 30 s", async () => {
    const { value, pass, fetches } = arrange(outage);
    const pauses = [1, 2, 4, 8, 16, 30, 30, 30];
    for (const [index, pause] of pauses.entries()) {
      expect((await failureOf(value)).retryAfter).toBe(pause);
      expect(fetches()).toBe(index + 1);
      pass(pause * second - 1);
      expect((await failureOf(value)).retryAfter).toBe(1);
      expect(fetches()).toBe(index + 1);
      pass(1);
    }
  });

  test("has the time until the next fetch in whole seconds", async () => {
    const { value, pass } = arrange(outage);
    for (const pause of [1, 2, 4]) {
      await failureOf(value);
      pass(pause * second);
    }
    await failureOf(value);
    const delays = [];
    for (const step of [0, 1, 999, 6000, 500, 499, 1, 3600_000]) {
      pass(step);
      delays.push(value.failure()?.retryAfter);
    }
    expect(delays).toEqual([8, 8, 7, 1, 1, 1, 1, 1]);
  });

  test("is reset by a success, so that the next failure counts as the first", async () => {
    const { value, publish, pass, fetches } = arrange(outage);
    for (let round = 0; round < 8; round += 1) {
      await failureOf(value);
      pass(minute);
    }
    publish("one");
    expect(await value.refreshed()).toBe("one");
    expect(value.failure()).toBeUndefined();
    publish(outage);
    pass(10 * second);
    expect(await value.refreshed()).toBe("one");
    expect(value.failure()?.retryAfter).toBe(1);
    const before = fetches();
    publish("two");
    pass(second);
    expect(await value.refreshed()).toBe("two");
    expect(fetches()).toBe(before + 1);
  });
});

describe("a cached value", () => {
  test("is used during an outage for an hour after its 10 minutes", async () => {
    const { value, publish, pass } = arrange("one");
    await value.refreshed();
    publish(outage);
    pass(10 * minute);
    expect(await value.refreshed()).toBe("one");
    pass(hour - 1);
    expect(value.current()).toBe("one");
    expect(await value.refreshed()).toBe("one");
    pass(1);
    expect(value.current()).toBeUndefined();
    expect((await failureOf(value)).message).toBe("the issuer is down");
  });

  test("is not used after 10 minutes without a failed fetch", async () => {
    const { value, publish, pass } = arrange("one");
    await value.refreshed();
    publish("two");
    pass(10 * minute);
    expect(value.current()).toBeUndefined();
    expect(await value.refreshed()).toBe("two");
  });

  test("is used immediately while a fetch after a failure hangs", async () => {
    const { value, publish, pass, hold, fetches } = arrange("one");
    await value.refreshed();
    publish(outage);
    pass(11 * minute);
    expect(await value.refreshed()).toBe("one");
    publish("two");
    const release = hold();
    pass(minute);
    expect([value.current(), value.current()]).toEqual(["one", "one"]);
    expect(fetches()).toBe(3);
    release();
    await turn();
    expect(value.current()).toBe("two");
    expect(value.failure()).toBeUndefined();
  });

  test("remains after a failed background fetch, which does not cause an unhandled rejection", async () => {
    const { value, publish, pass, fetches } = arrange("one");
    await value.refreshed();
    publish(outage);
    pass(9 * minute);
    expect(value.current()).toBe("one");
    await turn();
    for (let use = 0; use < 20; use += 1) expect(value.current()).toBe("one");
    expect(fetches()).toBe(2);
    expect(value.failure()).toBeInstanceOf(RemoteFailure);
  });

  test("is replaced by a falsy value too", async () => {
    const { value, publish, pass } = arrange("one");
    await value.refreshed();
    publish("");
    pass(10 * second);
    expect(await value.refreshed()).toBe("");
    expect(value.current()).toBe("");
  });
});
