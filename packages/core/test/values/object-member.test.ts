import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { hasInheritedData, hasInheritedItem, memberOf, withoutPrototype } from "../../src/values/object-member.ts";
import { withPollutedPrototype } from "../support/polluted-prototype.ts";

class Base {
  get server(): string {
    return "of the base class";
  }
}
class Derived extends Base {
  readonly socket = "own";
}

describe("memberOf", () => {
  test("reads own members and members of every class of the object", () => {
    expect(memberOf(new Derived(), "socket")).toBe("own");
    expect(memberOf(new Derived(), "server")).toBe("of the base class");
    expect(memberOf({ server: undefined }, "server")).toBeUndefined();
  });

  test("reads own members of an object without a prototype", () => {
    expect(memberOf(Object.assign(Object.create(null) as object, { server: 1 }), "server")).toBe(1);
  });

  test("ignores members of Object.prototype", () => {
    withPollutedPrototype("stream", { session: {} }, () => {
      expect(memberOf(new Derived() as { readonly stream?: object }, "stream")).toBeUndefined();
      expect(memberOf<{ readonly stream?: object }, "stream">({}, "stream")).toBeUndefined();
    });
    withPollutedPrototype("socket", "polluted", () => expect(memberOf(new Derived(), "socket")).toBe("own"));
    withPollutedPrototype("server", "polluted", () =>
      expect(memberOf(new Derived(), "server")).toBe("of the base class"),
    );
  });

  test("ignores members of the Object.prototype of another realm", () => {
    const foreign = runInNewContext("Object.prototype.stream = {}; class Request { own = 1 } new Request()") as {
      readonly own: number;
      readonly stream?: object;
    };
    expect(foreign.stream).toBeDefined();
    expect(memberOf(foreign, "stream")).toBeUndefined();
    expect(memberOf(foreign, "own")).toBe(1);
  });

  test("reads members through a proxy, such as the socket of an HTTP/2 request", () => {
    const proxy = new Proxy<{ readonly remoteAddress?: string }>(
      {},
      {
        get: (_target, name) => (name === "remoteAddress" ? "127.0.0.1" : undefined),
      },
    );
    expect(memberOf(proxy, "remoteAddress")).toBe("127.0.0.1");
    withPollutedPrototype("remoteAddress", "127.0.0.2", () => expect(memberOf(proxy, "remoteAddress")).toBeUndefined());
  });
});

describe("withoutPrototype", () => {
  test("copies only own members", () => {
    const given: { readonly scope: string; readonly mode?: string } = { scope: "read" };
    const copy = withoutPrototype(given);
    expect({ ...copy }).toEqual({ scope: "read" });
    expect(withPollutedPrototype("mode", "report-only", () => [given.mode, copy.mode])).toEqual([
      "report-only",
      undefined,
    ]);
  });
});

describe("hasInheritedData", () => {
  test("is true if every object inherits data, but not if it inherits a method", () => {
    expect(hasInheritedData()).toBe(false);
    expect(withPollutedPrototype("scope", "read", hasInheritedData)).toBe(true);
    expect(withPollutedPrototype("scope", () => "read", hasInheritedData)).toBe(false);
  });
});

describe("hasInheritedItem", () => {
  test("is true if every array inherits an item, but not for other members", () => {
    expect(hasInheritedItem()).toBe(false);
    expect(withPollutedPrototype("2", [1], hasInheritedItem)).toBe(true);
    expect(withPollutedPrototype("scope", "read", hasInheritedItem)).toBe(false);
  });
});
