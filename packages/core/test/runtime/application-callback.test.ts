import { describe, expect, test, vi } from "vitest";
import { callApplication } from "../../src/runtime/application-callback.ts";
import { AccessTokenError } from "../../src/errors.ts";
import { reasonOf } from "../support/outcome.ts";

const never = new Promise<never>(() => undefined);

/** Runs a test with fake timers. */
async function withFakeTimers(body: () => Promise<void>): Promise<void> {
  vi.useFakeTimers();
  try {
    await body();
  } finally {
    vi.useRealTimers();
  }
}

/** Throws any value. */
function raise(thrown: unknown): never {
  throw thrown;
}

/** Returns the value that a call throws synchronously. */
function thrownBy(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

describe("a callback that returns", () => {
  test.each(["text", "", null, undefined, false, 0])("%j has that result synchronously", (result) => {
    expect(callApplication("authorize", () => result)).toBe(result);
  });

  test("a promise has its value asynchronously", async () => {
    const result = callApplication("authorize", async () => true);
    expect(result).toBeInstanceOf(Promise);
    await expect(result).resolves.toBe(true);
  });

  test("a thenable has its value asynchronously", async () => {
    // oxlint-disable-next-line unicorn/no-thenable -- some libraries return this instead of a promise
    const thenable = { then: (resolve: (value: string) => void) => queueMicrotask(() => resolve("certificate")) };
    await expect(callApplication("certificateResolver", () => thenable as Promise<string>)).resolves.toBe(
      "certificate",
    );
  });

  test("is called once", () => {
    const callback = vi.fn<() => boolean>(() => true);
    void callApplication("authorize", callback);
    expect(callback).toHaveBeenCalledTimes(1);
  });
});

describe.each([
  ["an error", new Error("database is down")],
  ["an AccessTokenError, which must not look like a rejection", new AccessTokenError("ERR_CERTIFICATE_MISSING")],
  ["a string", "database is down"],
  ["undefined", undefined],
])("a callback that throws %s", (_, thrown) => {
  const expectFailure = (error: unknown): void => {
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toBeInstanceOf(AccessTokenError);
    expect((error as Error).message).toMatch(/^certbound: authorize .*error of the application/);
    expect((error as Error).cause).toBe(thrown);
  };

  test("fails synchronously with the thrown value as the cause", () => {
    expectFailure(thrownBy(() => callApplication("authorize", () => raise(thrown))));
    // oxlint-disable-next-line unicorn/no-thenable -- reading `then` of this object throws
    const result = Object.defineProperty({}, "then", { get: () => raise(thrown) });
    expectFailure(thrownBy(() => callApplication("authorize", () => result)));
  });

  test("fails asynchronously if it is an async function", async () => {
    expectFailure(await reasonOf(Promise.resolve(callApplication("authorize", async () => raise(thrown)))));
  });
});

describe("a callback that does not settle", () => {
  test("fails after 5 s with an error that names it and is not a rejection", async () => {
    await withFakeTimers(async () => {
      const reason = reasonOf(Promise.resolve(callApplication("certificateResolver", () => never)));
      await vi.advanceTimersByTimeAsync(5000);
      expect(await reason).toMatchObject({
        message: expect.stringMatching(/^certbound: certificateResolver .*5000 ms/),
      });
      expect(await reason).not.toBeInstanceOf(AccessTokenError);
    });
  });

  test("can still succeed 1 ms before the time limit", async () => {
    await withFakeTimers(async () => {
      let settle: ((value: boolean) => void) | undefined;
      const slow = new Promise<boolean>((resolve) => (settle = resolve));
      const result = callApplication("authorize", () => slow);
      await vi.advanceTimersByTimeAsync(4999);
      settle?.(true);
      await expect(result).resolves.toBe(true);
    });
  });

  test("can fail after the time limit without any effect", async () => {
    await withFakeTimers(async () => {
      let settle: ((error: Error) => void) | undefined;
      const slow = new Promise<never>((_resolve, reject) => (settle = reject));
      const reason = reasonOf(Promise.resolve(callApplication("authorize", () => slow)));
      await vi.advanceTimersByTimeAsync(5000);
      settle?.(new Error("too late"));
      expect(await reason).toMatchObject({ message: expect.stringContaining("5000 ms") });
    });
  });
});

describe("the timer", () => {
  test.each([
    ["succeeded", async () => true],
    ["failed", async () => raise(new Error("database is down"))],
  ])("is cleared after the callback has %s", async (_, callback) => {
    await withFakeTimers(async () => {
      await Promise.allSettled([callApplication("authorize", callback)]);
      expect(vi.getTimerCount()).toBe(0);
    });
  });

  test("is not started for a synchronous callback", async () => {
    await withFakeTimers(async () => {
      void callApplication("authorize", () => true);
      expect(vi.getTimerCount()).toBe(0);
    });
  });

  test("does not keep the process alive", async () => {
    let settle: ((value: boolean) => void) | undefined;
    const before = activeTimers();
    const result = callApplication("authorize", () => new Promise<boolean>((resolve) => (settle = resolve)));
    const during = activeTimers();
    settle?.(true);
    await expect(result).resolves.toBe(true);
    expect(during).toBe(before);
  });
});

/** Returns the number of timers that keep this process alive. */
function activeTimers(): number {
  return process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
}
