import { describe, expect, test } from "vitest";
import { connectionOf, nodeRequest, type NodeRequest, type NodeSocket } from "../../src/http/incoming-request.ts";

function requestWith(rawHeaders: readonly string[], socket: NodeSocket = {}): NodeRequest {
  return { rawHeaders, socket };
}

describe("nodeRequest", () => {
  const node = requestWith(["Host", "node"]);

  test("reads what counts of a Node request", () => {
    expect(nodeRequest(node)).toEqual({ ...node, stream: undefined });
    expect(nodeRequest({ ...node, stream: {} })).toEqual({ ...node, stream: {} });
  });

  test("unwraps the request of a framework", () => {
    expect(nodeRequest({ raw: node })).toEqual({ ...node, stream: undefined });
  });

  test("prefers the Node request to what it holds as raw", () => {
    const both = { ...node, raw: requestWith(["Host", "other"]) };
    expect(nodeRequest(both)).toEqual({ ...node, stream: undefined });
  });

  test("finds the members of a Node request on its prototype", () => {
    const inherited = Object.create(node) as NodeRequest;
    expect(nodeRequest(inherited)).toEqual({ ...node, stream: undefined });
  });
});

/** A class whose objects have all members of a WHATWG request that are read. */
class OtherRequest {
  get headers() {
    return { get: (name: string) => (name === "host" ? "other" : null) };
  }
}

describe("what is not a request", () => {
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
    ["a promise", Promise.resolve(usual())],
    ["the context of a framework", { req: usual(), res: {} }],
    ["headers that are not an object", { headers: "authorization" }],
    ["headers that are null", { headers: null }],
    ["raw headers that are not an array", { rawHeaders: "Authorization" }],
    ["a wrapper of no request", { raw: {} }],
    ["a wrapper of nothing", { raw: undefined }],
    ["the event of h3, version 1", { headers: new Headers(), node: { req: usual(), res: {} } }],
    ["the context of Hono", { headers: new Headers(), req: { raw: usual() } }],
    ["headers that are an array of pairs", { headers: [["authorization", "Bearer a"]] }],
    ["the context of Koa, with the socket of a server", { headers: {}, socket: { server: {} } }],
  ];

  test.each(notRequests)("is a TypeError that says what to pass: %s", async (_name, request) => {
    expect(() => nodeRequest(request as NodeRequest)).toThrow(TypeError);
    expect(() => nodeRequest(request as NodeRequest)).toThrow(/request.*ctx\.req in Koa, c\.env\.incoming in Hono/);
  });

  test("is not a request without headers", () => {
    expect(nodeRequest({ rawHeaders: [], socket: {} })).toMatchObject({ rawHeaders: [], socket: {} });
    expect(nodeRequest({ raw: { socket: {} } } as never)).toMatchObject({ rawHeaders: [], socket: {} });
  });

  test.each([null, undefined, "socket", 1])("is not a request whose socket and stream are %j", (value) => {
    for (const given of [{ headers: {} }, { rawHeaders: [] }, { rawHeaders: ["Host", "a"] }]) {
      const read = nodeRequest({ ...given, socket: value, stream: value } as never);
      expect(connectionOf(read)).toBeUndefined();
    }
  });

  test("is not what has the shape of a WHATWG request, of whatever class", () => {
    for (const request of [new Request("https://api.example"), new OtherRequest(), { raw: new OtherRequest() }]) {
      expect(nodeRequest(request as never)).toMatchObject({ rawHeaders: [], socket: undefined, stream: undefined });
    }
  });
});

test("a request over HTTP/2 is read without a look into its socket, which throws when the session is closed", () => {
  const socket = new Proxy({}, { get: () => expect.unreachable() });
  const read = nodeRequest({ ...usual(), socket, stream: { session: {} } });
  expect(read.rawHeaders).toEqual(["Host", "node"]);
});

test("a request that was read is not read again", () => {
  const read = nodeRequest(usual());
  expect(nodeRequest(read)).toBe(read);
});

function usual(): NodeRequest {
  return requestWith(["Host", "node"]);
}

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
