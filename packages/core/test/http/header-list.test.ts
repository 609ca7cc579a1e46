import { describe, expect, test } from "vitest";
import { headerElements, headerValues, checkHeaderList } from "../../src/http/header-list.ts";
import { nodeRequest, type NodeRequest, type NodeSocket } from "../../src/http/incoming-request.ts";
import { allHeadersOf } from "../support/all-headers.ts";
import { withPollutedPrototype } from "../support/polluted-prototype.ts";

function requestWith(rawHeaders: readonly string[], socket: NodeSocket = {}): NodeRequest {
  return { rawHeaders, socket };
}

describe("headerValues", () => {
  test.each([
    ["nothing for a request without headers", [], []],
    ["nothing for a header that is absent", ["Host", "a"], []],
    ["the value of a header", ["Host", "a", "Authorization", "one"], ["one"]],
    ["an empty value", ["Authorization", ""], [""]],
    ["a value without trimming or splitting it", ["authorization", " one, two "], [" one, two "]],
    ["every occurrence in order", ["Authorization", "one", "Host", "a", "authorization", "two"], ["one", "two"]],
    ["names in any letter case", ["AUTHORIZATION", "one"], ["one"]],
    ["nothing if only a value equals the name", ["Host", "authorization", "Accept", "one"], []],
    ["nothing if a name only starts with it", ["Authorization-Info", "one"], []],
    ["nothing if a name only ends with it", ["Proxy-Authorization", "one", "X-Forwarded-Authorization", "two"], []],
    ["nothing for names with underscores or blanks", ["Authorization ", "one", "Authori_zation", "two"], []],
    ["nothing for a name without a value", ["Host", "a", "Authorization"], []],
  ])("lists %s", (_, rawHeaders, values) => {
    expect(headerValues(allHeadersOf(requestWith(rawHeaders)), "authorization")).toEqual(values);
  });

  test("does not treat an underscore as a hyphen", () => {
    const request = requestWith(["Client_Cert", "one", "Client-Cert", "two"]);
    expect(headerValues(allHeadersOf(request), "client-cert")).toEqual(["two"]);
  });
});

/** Returns a header list with this number of fields. */
function fields(count: number): readonly string[] {
  return Array.from({ length: count }, () => ["a", ""]).flat();
}

/** Returns whether the header list of a request with this number of fields counts as complete. */
function isComplete(count: number, socket: unknown, more: Partial<NodeRequest> = {}): boolean {
  const request = { rawHeaders: fields(count), socket: socket as NodeSocket, ...more };
  return checkHeaderList(request) === request;
}

const over = (maxHeadersCount: unknown): object => ({ server: { maxHeadersCount } });

class ServerWithGetter {
  get maxHeadersCount(): number {
    return 5;
  }
}

describe("checkHeaderList", () => {
  test.each<[string, unknown, number]>([
    ["the request has no socket", undefined, 1000],
    ["the socket has no server", {}, 1000],
    ["the server is null, as on a client's socket", { server: null }, 1000],
    ["the server has no limit", { server: {} }, 1000],
    ["the limit is undefined", over(undefined), 1000],
    ["the limit is null, which is the default", over(null), 1000],
    ["the limit is a string", over("10"), 1000],
    ["the limit is a BigInt", over(10n), 1000],
    ["the limit is an object", over({ valueOf: () => 10 }), 1000],
    ["the limit is true", over(true), 1000],
    ["the limit is 1", over(1), 1],
    ["the limit is 5", over(5), 5],
    ["the limit is 999", over(999), 999],
    ["the limit is 1000", over(1000), 1000],
    ["the limit is 1001", over(1001), 1001],
    ["the limit is 3000", over(3000), 3000],
    ["the limit is a fraction, which Node rounds down", over(5.9), 5],
    ["the limit is above 2^32, which Node truncates", over(2 ** 32 + 5), 5],
    ["the limit is above 2^31, which Node truncates", over(2 ** 31 + 5), 5],
    ["the limit is below -2^31, which Node truncates", over(-(2 ** 31) + 5), 5],
    ["the limit is a getter of the server's class", { server: new ServerWithGetter() }, 5],
  ])("treats a list as complete below the limit and as incomplete at the limit: %s", (_, socket, limit) => {
    expect(isComplete(limit - 1, socket)).toBe(true);
    expect(isComplete(limit, socket)).toBe(false);
    expect(isComplete(limit + 23, socket)).toBe(false);
  });

  test.each([0, -0, -1, 0.5, -0.5, Number.NaN, Infinity, -Infinity, 2 ** 30, 2 ** 30 + 5, 2 ** 31, -(2 ** 31)])(
    "treats a list of any length as complete when the limit is %d, which Node reads as no limit",
    (limit) => {
      for (const count of [0, 1, 999, 1000, 5000]) expect(isComplete(count, over(limit))).toBe(true);
    },
  );

  test("treats an empty list as complete", () => {
    for (const limit of [null, 0, 1, 5]) expect(isComplete(0, over(limit))).toBe(true);
  });

  test("treats an HTTP/2 list of any length as complete", () => {
    const socket = over(5);
    expect(isComplete(2000, socket, { stream: { session: {} } })).toBe(true);
    // An HTTP/1 request to which the application has added a stream.
    expect(isComplete(2000, socket, { stream: {} })).toBe(false);
    expect(isComplete(2000, socket, { stream: undefined })).toBe(false);
  });

  test("does not read the socket of an HTTP/2 request, which throws when it is closed", () => {
    const closed = new Proxy(
      {},
      {
        get: () => {
          throw Object.assign(new Error("The socket has been disconnected"), { code: "ERR_HTTP2_SOCKET_UNBOUND" });
        },
      },
    );
    for (const count of [1, 2000]) expect(isComplete(count, closed, { stream: { session: {} } })).toBe(true);
  });

  test.each<[string, string, unknown, object, number]>([
    ["a limit", "maxHeadersCount", 0, { server: {} }, 1000],
    ["a higher limit", "maxHeadersCount", 5000, { server: {} }, 1000],
    ["a lower limit, which Node also reads", "maxHeadersCount", 5, { server: {} }, 5],
    ["a server without a limit", "server", { maxHeadersCount: 0 }, {}, 1000],
    ["a socket without a limit", "socket", { server: { maxHeadersCount: 0 } }, {}, 1000],
    ["an HTTP/2 stream", "stream", { session: {} }, { server: {} }, 1000],
    ["an HTTP/2 stream, and the server has a low limit", "stream", { session: {} }, over(5), 5],
  ])("still treats a list at the limit as incomplete when Object.prototype has %s", (_, name, value, socket, limit) => {
    const request = { rawHeaders: fields(limit), ...(name !== "socket" && { socket }) } as NodeRequest;
    const check = (given: NodeRequest) => withPollutedPrototype(name, value, () => checkHeaderList(nodeRequest(given)));
    expect(check(request)).toBeTypeOf("string");
    expect(check({ ...request, rawHeaders: fields(limit - 1) })).not.toBeTypeOf("string");
  });

  test.each([
    [null, 1023, "1023", "1000"],
    [null, 1000, "1000", "1000"],
    [5.9, 31, "31", "5"],
  ])("describes an incomplete list by its length and the limit: limit %s, %i fields", (limit, count, seen, max) => {
    const detail = checkHeaderList({ rawHeaders: fields(count), socket: over(limit) });
    expect(detail).toContain("incomplete");
    expect(detail).toContain(`has ${seen}`);
    expect(detail).toContain(`keeps at most ${max}`);
  });

  test("does not disclose header values in the description of an incomplete list", () => {
    const rawHeaders = Array.from({ length: 2000 }, () => "topsecret");
    expect(checkHeaderList({ rawHeaders, socket: {} })).not.toContain("topsecret");
  });
});

describe("headerElements", () => {
  const elements = (request: object) => headerElements(allHeadersOf(nodeRequest(request as NodeRequest)), "x-list");

  test.each([
    ["one value", "a", 1],
    ["an empty value", "", 1],
    ["a comma in quotes", 'Subject="CN=a,O=b";Hash=1', 1],
    ["a comma in quotes, after an escaped quote", 'Subject="CN=\\"a,O=b"', 1],
    ["two values, as fetch joins them", "a, b", 2],
    ["two values without a space", "a,b", 2],
    ["an empty second value", "a,", 2],
    ["a comma after a quoted string", '"a",b', 2],
    ["a quote that is never closed", '"a, b', 2],
  ])("counts the elements of a value if repeated fields may be joined: %s", (_name, value, count) => {
    expect(elements({ headers: { "x-list": value } })).toHaveLength(count);
    expect(elements(new Request("https://api.example", { headers: { "x-list": value } }))).toHaveLength(count);
    expect(elements({ rawHeaders: ["X-List", value], socket: {} })).toEqual([value]);
  });

  test("lists every item of an array", () => {
    expect(elements({ headers: { "X-List": ["a", "b"] } })).toEqual(["a", "b"]);
  });
});

describe("headerValues of a request without rawHeaders", () => {
  const values = (headers: unknown) => headerValues(allHeadersOf(nodeRequest({ headers } as never)), "authorization");

  test.each<[string, unknown, readonly string[]]>([
    ["a string as one occurrence", { authorization: "one" }, ["one"]],
    ["an array as several occurrences", { authorization: ["one", "two"] }, ["one", "two"]],
    ["names in any letter case", { Authorization: "one", AUTHORIZATION: "two" }, ["one", "two"]],
    ["nothing for undefined or null", { authorization: undefined, Authorization: null }, []],
    ["the value that get returns", new Headers({ authorization: "one" }), ["one"]],
    ["the value in a Map", new Map([["authorization", "one"]]), ["one"]],
    ["nothing if get returns null", new Headers(), []],
    ["a header next to one that is named get", { get: "x", authorization: "one" }, ["one"]],
    ["nothing for an inherited member", Object.create({ authorization: "one" }), []],
  ])("lists %s", (_name, headers, expected) => {
    expect(values(headers)).toEqual(expected);
  });

  test.each([1, true, {}, [["one"]], [1]])("throws a TypeError for the value %j", (value) => {
    expect(() => values({ authorization: value })).toThrow(TypeError);
  });
});

test("headerElements takes linear time for any combination of quotes, escapes and commas", () => {
  for (const unit of ['"\\', '\\"', '"', '",', "a,"]) {
    const value = unit.repeat(200_000);
    const request = allHeadersOf(nodeRequest({ headers: { "x-list": value } } as never));
    const started = performance.now();
    headerElements(request, "x-list");
    // A regular expression that restarts at each quote would take minutes.
    expect(performance.now() - started).toBeLessThan(5000);
  }
});
