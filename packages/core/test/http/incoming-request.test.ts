import { describe, expect, test } from "vitest";
import { connectionOf, nodeRequest, type NodeRequest, type NodeSocket } from "../../src/http/incoming-request.ts";

function requestWith(rawHeaders: readonly string[], socket: NodeSocket = {}): NodeRequest {
  return { rawHeaders, socket };
}

describe("nodeRequest", () => {
  const node = requestWith(["Host", "node"]);

  test("reads the relevant members of a Node request", () => {
    expect(nodeRequest(node)).toEqual({ ...node, stream: undefined });
    expect(nodeRequest({ ...node, stream: {} })).toEqual({ ...node, stream: {} });
  });

  test("unwraps the request object of a framework", () => {
    expect(nodeRequest({ raw: node })).toEqual({ ...node, stream: undefined });
  });

  test("prefers a Node request to its own raw member", () => {
    const both = { ...node, raw: requestWith(["Host", "other"]) };
    expect(nodeRequest(both)).toEqual({ ...node, stream: undefined });
  });

  test("finds the members of a Node request on its prototype", () => {
    const inherited = Object.create(node) as NodeRequest;
    expect(nodeRequest(inherited)).toEqual({ ...node, stream: undefined });
  });
});

/** A class with all members of a WHATWG request that are read. */
class OtherRequest {
  get headers() {
    return { get: (name: string) => (name === "host" ? "other" : null) };
  }
}

describe("a value passed as the request", () => {
  const notRequests: [string, unknown][] = [
    ["undefined", undefined],
    ["null", null],
    ["a string", "request"],
    ["a number", 1],
    ["a symbol", Symbol("request")],
    ["an empty object", {}],
    ["an empty array", []],
    ["a function", () => {}],
    ["a class", OtherRequest],
    ["a Map", new Map([["headers", {}]])],
    ["a promise", Promise.resolve(minimalRequest())],
    ["the context of a framework", { req: minimalRequest(), res: {} }],
    ["headers that are not an object", { headers: "authorization" }],
    ["headers that are null", { headers: null }],
    ["raw headers that are not an array", { rawHeaders: "Authorization" }],
    ["a wrapper of an empty object", { raw: {} }],
    ["a wrapper of undefined", { raw: undefined }],
    ["the event of h3 version 1", { headers: new Headers(), node: { req: minimalRequest(), res: {} } }],
    ["the context of Hono", { headers: new Headers(), req: { raw: minimalRequest() } }],
    ["headers that are an array of pairs", { headers: [["authorization", "Bearer a"]] }],
    ["the context of Koa, with a server's socket", { headers: {}, socket: { server: {} } }],
  ];

  test.each(notRequests)("is rejected with a TypeError that names the expected value: %s", async (_name, request) => {
    expect(() => nodeRequest(request as NodeRequest)).toThrow(TypeError);
    expect(() => nodeRequest(request as NodeRequest)).toThrow(/request.*ctx\.req in Koa, c\.env\.incoming in Hono/);
  });

  test("may be a request without headers", () => {
    expect(nodeRequest({ rawHeaders: [], socket: {} })).toMatchObject({ rawHeaders: [], socket: {} });
    expect(nodeRequest({ raw: { socket: {} } } as never)).toMatchObject({ rawHeaders: [], socket: {} });
  });

  test.each([null, undefined, "socket", 1])("may be a request with %j as socket and stream", (value) => {
    for (const given of [{ headers: {} }, { rawHeaders: [] }, { rawHeaders: ["Host", "a"] }]) {
      const read = nodeRequest({ ...given, socket: value, stream: value } as never);
      expect(connectionOf(read)).toBeUndefined();
    }
  });

  test("may be any object with the shape of a WHATWG request", () => {
    for (const request of [new Request("https://api.example"), new OtherRequest(), { raw: new OtherRequest() }]) {
      expect(nodeRequest(request as never)).toMatchObject({ rawHeaders: [], socket: undefined, stream: undefined });
    }
  });
});

test("nodeRequest does not read the socket of an HTTP/2 request, which throws when the session is closed", () => {
  const socket = new Proxy({}, { get: () => expect.unreachable() });
  const read = nodeRequest({ ...minimalRequest(), socket, stream: { session: {} } });
  expect(read.rawHeaders).toEqual(["Host", "node"]);
});

test("nodeRequest returns a request that it has already read", () => {
  const read = nodeRequest(minimalRequest());
  expect(nodeRequest(read)).toBe(read);
});

function minimalRequest(): NodeRequest {
  return requestWith(["Host", "node"]);
}

describe("connectionOf", () => {
  const socket = {};
  const session = {};

  test("returns the HTTP/2 session, otherwise the socket", () => {
    expect(connectionOf({ rawHeaders: [], socket, stream: { session } })).toBe(session);
    expect(connectionOf({ rawHeaders: [], socket, stream: {} })).toBe(socket);
    expect(connectionOf(requestWith([], socket))).toBe(socket);
  });

  test("returns undefined for a request that has neither", () => {
    expect(connectionOf({ rawHeaders: [] } as never)).toBeUndefined();
  });
});
