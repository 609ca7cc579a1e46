import { describe, expect, test } from "vitest";
import { parseAlternativeName } from "../../src/certificates/certificate-names.ts";

describe("parseAlternativeName", () => {
  test.each([
    ["DNS:localhost", { kind: "DNS", value: "localhost" }],
    ["IP:127.0.0.1", { kind: "IP", value: "127.0.0.1" }],
    ["IP:::1", { kind: "IP", value: "::1" }],
    ["URI:spiffe://example.org/client", { kind: "URI", value: "spiffe://example.org/client" }],
    ["email:client@example.com", { kind: "email", value: "client@example.com" }],
  ])("parses %s", (text, expected) => {
    expect(parseAlternativeName(text)).toEqual(expected);
  });

  test.each([
    "",
    "localhost",
    "DNS:",
    "dns:localhost",
    "IP:localhost",
    "IP:1.2.3",
    "DNS:a b",
    "DNS:ä",
    "constructor:x",
  ])("rejects %j", (text) => {
    expect(() => parseAlternativeName(text)).toThrow(TypeError);
  });
});
