import { describe, expect, test } from "vitest";
import { connectionOf, headerValues, nodeRequest, type NodeRequest, type NodeSocket } from "../src/incoming-request.ts";

function requestWith(rawHeaders: readonly string[], socket: NodeSocket = {}): NodeRequest {
  return { rawHeaders, socket };
}

describe("nodeRequest", () => {
  const node = requestWith(["Host", "node"]);

  test("returns a Node request itself", () => {
    expect(nodeRequest(node)).toBe(node);
  });

  test("unwraps the request of a framework", () => {
    expect(nodeRequest({ raw: node })).toBe(node);
  });

  test("prefers the Node request to what it holds as raw", () => {
    const both = { ...node, raw: requestWith(["Host", "other"]) };
    expect(nodeRequest(both)).toBe(both);
  });

  test("finds the members of a Node request on its prototype", () => {
    const inherited = Object.create(node) as NodeRequest;
    expect(nodeRequest(inherited)).toBe(inherited);
  });
});

describe("connectionOf", () => {
  const socket = {};
  const session = {};

  test("is the session of HTTP/2, and otherwise the socket", () => {
    expect(connectionOf({ rawHeaders: [], socket, stream: { session } })).toBe(session);
    expect(connectionOf({ rawHeaders: [], socket, stream: {} })).toBe(socket);
    expect(connectionOf(requestWith([], socket))).toBe(socket);
  });

  test("is not there when a request was made up without", () => {
    expect(connectionOf({ rawHeaders: [] } as never)).toBeUndefined();
  });
});

describe("headerValues", () => {
  test.each([
    ["nothing for a request without headers", [], []],
    ["nothing for a header that is not there", ["Host", "a"], []],
    ["the value of a header", ["Host", "a", "Authorization", "one"], ["one"]],
    ["an empty value", ["Authorization", ""], [""]],
    ["a value untrimmed and not split", ["authorization", " one, two "], [" one, two "]],
    ["every occurrence in order", ["Authorization", "one", "Host", "a", "authorization", "two"], ["one", "two"]],
    ["names in any letter case", ["AUTHORIZATION", "one"], ["one"]],
    ["no value that looks like the name", ["Host", "authorization", "Accept", "one"], []],
    ["no name that begins with it", ["Authorization-Info", "one"], []],
    ["no name that ends with it", ["Proxy-Authorization", "one", "X-Forwarded-Authorization", "two"], []],
    ["no name with underscores or blanks", ["Authorization ", "one", "Authori_zation", "two"], []],
    ["no name without a value", ["Host", "a", "Authorization"], []],
  ])("lists %s", (_, rawHeaders, values) => {
    expect(headerValues(requestWith(rawHeaders), "authorization")).toEqual(values);
  });

  test("does not take an underscore for a hyphen", () => {
    const request = requestWith(["Client_Cert", "one", "Client-Cert", "two"]);
    expect(headerValues(request, "client-cert")).toEqual(["two"]);
  });
});
