import { describe, expect, test } from "vitest";
import { memberOf, withoutPrototype } from "../src/object-member.ts";
import { withPollutedPrototype } from "./support/polluted-prototype.ts";

class Socket {
  get address(): string {
    return "192.0.2.1";
  }
}

const read = (object: object): unknown => memberOf(object as { readonly address?: unknown }, "address");

describe("memberOf", () => {
  test("reads a member that is the object's own, or comes from its class", () => {
    for (const object of [{ address: "192.0.2.1" }, new Socket(), Object.create(new Socket()) as object]) {
      expect(read(object)).toBe("192.0.2.1");
      expect(withPollutedPrototype("address", "198.51.100.1", () => read(object))).toBe("192.0.2.1");
    }
  });

  test("does not read a member that every object inherits", () => {
    for (const object of [{}, new Date(), Object.create({}) as object, new Proxy({}, {})]) {
      expect(withPollutedPrototype("address", "198.51.100.1", () => read(object))).toBeUndefined();
    }
  });

  test("reads a member that a proxy has from elsewhere", () => {
    expect(read(new Proxy({}, { get: () => "192.0.2.1" }))).toBe("192.0.2.1");
  });
});

describe("withoutPrototype", () => {
  test("copies the own members, and nothing that every object inherits", () => {
    const given: { readonly scope: string; readonly mode?: string } = { scope: "read" };
    const copy = withoutPrototype(given);
    expect({ ...copy }).toEqual({ scope: "read" });
    expect(withPollutedPrototype("mode", "report-only", () => [given.mode, copy.mode])).toEqual([
      "report-only",
      undefined,
    ]);
  });
});
