import { mkdtempSync, rmSync } from "node:fs";
import { createServer, request as httpRequest, type RequestListener, type Server } from "node:http";
import { connect as connectHttp2, createSecureServer, createServer as createHttp2Server } from "node:http2";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, connect, createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import { join } from "node:path";
import { once } from "node:events";
import { createCertificateAuthority, createSelfSignedCertificate, mtlsRequest, startServer } from "@certbound/testing";
import { fc, test as fuzz } from "@fast-check/vitest";
import { describe, expect, onTestFinished, test } from "vitest";
import type { NodeRequest } from "../../src/http/incoming-request.ts";
import { parseTrustedProxy, type TrustedProxy } from "../../src/proxy/trusted-proxy.ts";
import { THUMBPRINT_OF_EMPTY_INPUT } from "../../src/values/thumbprint.ts";
import { allHeadersOf } from "../support/all-headers.ts";
import { proxyAddress, requestWith } from "../support/forwarding.ts";
import { withPollutedPrototype } from "../support/polluted-prototype.ts";

fc.configureGlobal({ seed: 4291 });

const certificateAuthority = await createCertificateAuthority();
const serverIdentity = await certificateAuthority.issueServerCertificate();
const secret = "0123456789abcdef0123456789ABCDEF";
const thumbprint = "jzWFfaP4T-M_oojWc4MV3ktdL_DOSDVmGJIHsQ0hZAA";

/** Returns "trusted", or the reason why a request is not trusted. */
function trustResult(trust: TrustedProxy, request: NodeRequest): string {
  return parseTrustedProxy(trust)(allHeadersOf(request)) ?? "trusted";
}

/** Creates a request listener that responds with the result of the trust rule. */
function trustListener(trust: TrustedProxy): RequestListener {
  const trustFailure = parseTrustedProxy(trust);
  return (request, response) => {
    response.end(trustFailure(allHeadersOf(request)) ?? "trusted");
  };
}

describe("the secret", () => {
  const trust = { secret: { header: "X-Proxy-Secret", value: secret } };

  test.each([
    ["with the configured name", ["X-Proxy-Secret", secret]],
    ["in a header with another letter case", ["x-PROXY-secret", secret]],
    ["among other headers", ["Host", "a", "x-proxy-secret", secret, "x-proxy-secret-2", "b"]],
    ["next to a header with underscores", ["x_proxy_secret", "b", "x-proxy-secret", secret]],
  ])("is accepted %s", (_, rawHeaders) => {
    expect(trustResult(trust, requestWith(rawHeaders))).toBe("trusted");
  });

  test.each<[string, readonly string[], RegExp]>([
    ["if it is missing", [], /x-proxy-secret with the proxy's secret is missing/],
    ["under another name", ["x-proxy", secret], /is missing/],
    ["under a name with underscores", ["x_proxy_secret", secret], /is missing/],
    ["as a header's name", [secret, "x-proxy-secret"], /is missing/],
    ["if it occurs twice", ["x-proxy-secret", secret, "x-proxy-secret", secret], /occurs 2 times instead of once/],
    [
      "if it occurs twice, in another letter case",
      ["x-proxy-secret", secret, "X-PROXY-SECRET", secret],
      /occurs 2 times instead of once/,
    ],
    ["after a wrong secret", ["x-proxy-secret", "a", "x-proxy-secret", secret], /occurs 2 times instead of once/],
    ["if one value contains it twice", ["x-proxy-secret", `${secret}, ${secret}`], /does not contain/],
    ["if it is empty", ["x-proxy-secret", ""], /does not contain/],
    ["without its last character", ["x-proxy-secret", secret.slice(0, -1)], /does not contain/],
    ["with an additional last character", ["x-proxy-secret", `${secret}0`], /does not contain/],
    ["with an additional first character", ["x-proxy-secret", `0${secret}`], /does not contain/],
    ["in another letter case", ["x-proxy-secret", secret.toLowerCase()], /does not contain/],
    ["with a blank", ["x-proxy-secret", ` ${secret}`], /does not contain/],
    ["in quotes", ["x-proxy-secret", `"${secret}"`], /does not contain/],
    ["with another last character", ["x-proxy-secret", `${secret.slice(0, -1)}E`], /does not contain/],
  ])("is rejected %s", (_, rawHeaders, reason) => {
    expect(trustResult(trust, requestWith(rawHeaders))).toMatch(reason);
  });

  fuzz.prop([fc.nat(31), fc.integer({ min: 0x21, max: 0x7e })])(
    "is rejected if any single character differs",
    (at, code) => {
      const sent = secret.slice(0, at) + String.fromCodePoint(code) + secret.slice(at + 1);
      expect(trustResult(trust, requestWith(["x-proxy-secret", sent])) === "trusted").toBe(sent === secret);
    },
  );

  fuzz.prop([fc.string({ unit: "binary" })])(
    "is rejected with any other value, which the reason does not quote",
    (sent) => {
      fc.pre(sent !== secret);
      const reason = trustResult(trust, requestWith(["x-proxy-secret", sent]));
      expect(reason).toBe("the header x-proxy-secret does not contain the proxy's secret");
    },
  );

  test("can be one of two values while it is changed", () => {
    const next = "fedcba9876543210fedcba9876543210";
    const rotating = { secret: { header: "x-proxy-secret", value: [secret, next] } };
    expect(trustResult(rotating, requestWith(["x-proxy-secret", secret]))).toBe("trusted");
    expect(trustResult(rotating, requestWith(["x-proxy-secret", next]))).toBe("trusted");
    expect(trustResult(rotating, requestWith(["x-proxy-secret", `${secret},${next}`]))).not.toBe("trusted");
    expect(trustResult(rotating, requestWith(["x-proxy-secret", secret.slice(0, 16) + next.slice(16)]))).not.toBe(
      "trusted",
    );
    expect(trustResult(trust, requestWith(["x-proxy-secret", next]))).not.toBe("trusted");
  });

  test("is copied: later changes of the list have no effect", () => {
    const value = [secret];
    const trustFailure = parseTrustedProxy({ secret: { header: "x-proxy-secret", value } });
    value[0] = "a";
    value.push("b");
    expect(trustFailure(allHeadersOf(requestWith(["x-proxy-secret", secret])))).toBeUndefined();
    expect(trustFailure(allHeadersOf(requestWith(["x-proxy-secret", "a"])))).toBeDefined();
  });

  test.each<[string, unknown]>([
    ["a string", secret],
    ["a list", [{ header: "x", value: secret }]],
    ["null", null],
    ["undefined", undefined],
    ["empty", {}],
    ["without header", { value: secret }],
    ["without value", { header: "x" }],
    ["with an undefined value, such as an unset environment variable", { header: "x", value: undefined }],
    ["with an undefined header", { header: undefined, value: secret }],
    ["with an empty value", { header: "x", value: "" }],
    ["with 31 characters", { header: "x", value: secret.slice(1) }],
    ["that consists of blanks", { header: "x", value: " ".repeat(32) }],
    ["with a blank in the middle", { header: "x", value: `${secret} ${secret}` }],
    ["with a line feed at the end", { header: "x", value: `${secret}\n` }],
    ["with characters beyond ASCII", { header: "x", value: secret.replaceAll("a", "ä") }],
    ["that is a Buffer", { header: "x", value: Buffer.from(secret) }],
    ["with an empty list", { header: "x", value: [] }],
    ["with a list that contains a short value", { header: "x", value: [secret, "short"] }],
    ["with a list that contains undefined", { header: "x", value: [secret, undefined] }],
    ["with a nested list", { header: "x", value: [[secret]] }],
    ["with an invalid header name", { header: "x y", value: secret }],
    ["with a misspelled member", { header: "x", value: secret, vlaue: secret }],
  ])("causes a TypeError if it is %s", (_, bad) => {
    expect(() => parseTrustedProxy({ secret: bad } as TrustedProxy)).toThrow(TypeError);
    expect(() => parseTrustedProxy({ secret: bad } as TrustedProxy)).toThrow(/^certbound: /);
    expect(() => parseTrustedProxy({ secret: bad, addresses: [proxyAddress] } as TrustedProxy)).toThrow(TypeError);
  });

  test.each([
    ["32 characters", secret],
    ["every visible character", Array.from({ length: 94 }, (_, at) => String.fromCodePoint(0x21 + at)).join("")],
    ["a list with one value", [secret]],
  ])("can be %s", (_, value) => {
    expect(() => parseTrustedProxy({ secret: { header: "x", value } })).not.toThrow();
  });
});

describe("the addresses", () => {
  test.each([
    ["192.0.2.1", "192.0.2.1"],
    ["192.0.2.1", "::ffff:192.0.2.1"],
    ["192.0.2.1", "::FFFF:192.0.2.1"],
    ["192.0.2.1", "::ffff:c000:201"],
    ["192.0.2.1/32", "192.0.2.1"],
    ["10.0.0.0/8", "10.0.0.0"],
    ["10.0.0.0/8", "10.255.255.255"],
    ["10.0.0.0/8", "::ffff:10.1.2.3"],
    ["10.1.2.3/8", "10.0.0.1"],
    ["192.0.2.128/25", "192.0.2.128"],
    ["192.0.2.128/25", "192.0.2.255"],
    ["127.0.0.0/8", "127.1.2.3"],
    ["::1", "::1"],
    ["::1", "0:0:0:0:0:0:0:1"],
    ["2001:db8::1", "2001:db8::1"],
    ["2001:DB8::1", "2001:db8:0:0:0:0:0:1"],
    ["2001:db8::/32", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"],
    ["2001:db8::/127", "2001:db8::1"],
    ["fec0::/10", "fec0::1"],
    ["fe00::/8", "fe00::1"],
  ])("with the range %s include %s", (range, address) => {
    expect(trustResult({ addresses: [range] }, requestWith([], address))).toBe("trusted");
    expect(trustResult({ addresses: ["203.0.113.9", "2001:db8:1::1", range] }, requestWith([], address))).toBe(
      "trusted",
    );
  });

  test.each([
    ["192.0.2.1", "192.0.2.0"],
    ["192.0.2.1", "192.0.2.2"],
    ["192.0.2.1", "192.0.2.10"],
    ["192.0.2.1", "::ffff:192.0.2.2"],
    ["192.0.2.1", "::192.0.2.1"],
    ["192.0.2.1", "64:ff9b::192.0.2.1"],
    ["192.0.2.1", "2002:c000:201::1"],
    ["10.0.0.0/8", "9.255.255.255"],
    ["10.0.0.0/8", "11.0.0.0"],
    ["10.0.0.0/8", "::ffff:11.0.0.0"],
    ["192.0.2.128/25", "192.0.2.127"],
    ["192.0.2.128/25", "192.0.3.0"],
    ["::1", "::2"],
    ["::1", "127.0.0.1"],
    ["127.0.0.1", "::1"],
    ["2001:db8::1", "2001:db8::2"],
    ["2001:db8::/32", "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff"],
    ["2001:db8::/32", "2001:db9::"],
    ["2001:db8::/127", "2001:db8::2"],
    ["fec0::/10", "ff00::1"],
  ])("with the range %s do not include %s", (range, address) => {
    const reason = "the connection does not come from an address of the proxy";
    expect(trustResult({ addresses: [range] }, requestWith([], address))).toBe(reason);
  });

  // These IPv6 ranges contain mapped IPv4 addresses, which must not be accepted.
  test.each(["::/64", "::1/8", "::/1", "::/80", "0:0:0:0:0:ffff::/96", "0::ffff:0:0/97", "::fffe:0:0/95"])(
    "with the range %s do not include an IPv4 address",
    (range) => {
      for (const address of ["203.0.113.9", "::ffff:203.0.113.9", "::ffff:cb00:7109", "127.0.0.1"]) {
        expect(trustResult({ addresses: [range] }, requestWith([], address))).not.toBe("trusted");
        expect(
          trustResult(
            { addresses: [range, address.replace("::ffff:cb00:7109", "203.0.113.9").replace("::ffff:", "")] },
            requestWith([], address),
          ),
        ).toBe("trusted");
      }
    },
  );

  test.each([
    undefined,
    "",
    " ",
    "localhost",
    "192.0.2.1 ",
    " 192.0.2.1",
    "192.0.2.1:443",
    "[::1]",
    "192.0.2",
    "3221225985",
    "%eth0",
    "fe80::1%eth0%1",
    // Link-local: another machine can have the same address in another zone, and Node does not always name the zone.
    "fe80::1",
    "fe80::1%eth0",
    "febf::1%1",
  ])("do not include a remote address of %j", (address) => {
    const request = { rawHeaders: [], socket: { remoteAddress: address } };
    const trust = { addresses: ["192.0.2.0/24", "::1", "fe00::/8", "8000::/1"] };
    expect(trustResult(trust, request)).not.toBe("trusted");
    expect(trustResult(trust, { ...request, socket: { remoteAddress: "192.0.2.1" } })).toBe("trusted");
  });

  test("explain a missing remote address", () => {
    const request = { rawHeaders: [], socket: {} };
    expect(trustResult({ addresses: [proxyAddress] }, request)).toBe("the connection has no address, or is closed");
  });

  test("are compared with the connection, not with headers", () => {
    const headers = ["X-Forwarded-For", proxyAddress, "Forwarded", `for=${proxyAddress}`, "X-Real-IP", proxyAddress];
    expect(trustResult({ addresses: [proxyAddress] }, requestWith(headers, "198.51.100.1"))).not.toBe("trusted");
  });

  const octets = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255));
  const number = (parts: readonly number[]): number => parts.reduce((sum, part) => sum * 256 + part, 0);

  fuzz.prop([octets, octets, fc.integer({ min: 1, max: 32 })], { numRuns: 500 })(
    "include an IPv4 address if and only if its first bits match the range",
    (network, address, bits) => {
      const size = 2 ** (32 - bits);
      const inside = Math.floor(number(network) / size) === Math.floor(number(address) / size);
      const trust = { addresses: [`${network.join(".")}/${bits}`] };
      for (const text of [address.join("."), `::ffff:${address.join(".")}`]) {
        expect(trustResult(trust, requestWith([], text)) === "trusted").toBe(inside);
      }
    },
  );

  const groups = fc.bigInt({ min: 0n, max: 2n ** 128n - 1n });
  const write = (address: bigint): string => address.toString(16).padStart(32, "0").match(/.{4}/g)?.join(":") ?? "";

  fuzz.prop([groups, groups, fc.integer({ min: 1, max: 128 }), fc.nat(128)], { numRuns: 500 })(
    "include an IPv6 address if and only if its first bits match the range",
    (network, other, bits, common) => {
      // An address that shares some of the first bits, so that both outcomes occur.
      const low = (1n << BigInt(128 - common)) - 1n;
      const address = (network & ~low) | (other & low);
      const shift = BigInt(128 - bits);
      fc.pre([network, address].every((one) => one >> 118n !== 0xfe80n >> 6n));
      const trust = { addresses: [`${write(network)}/${bits}`] };
      expect(trustResult(trust, requestWith([], write(address))) === "trusted").toBe(
        network >> shift === address >> shift,
      );
    },
  );

  test.each<[string, unknown]>([
    ["empty", []],
    ["a string", proxyAddress],
    ["undefined", undefined],
    ["null", null],
    ["a set", new Set([proxyAddress])],
    ["all IPv4 addresses", ["0.0.0.0/0"]],
    ["all IPv6 addresses", ["::/0"]],
    ["all IPv6 addresses in addition to one address", [proxyAddress, "::/0"]],
    ["an address with the prefix 0", ["192.0.2.1/0"]],
    ["all IPv4 addresses with the prefix 00", ["0.0.0.0/00"]],
    ["a range of all mapped addresses", ["::ffff:0:0/96"]],
    ["a mapped address", ["::ffff:192.0.2.1"]],
    ["a link-local address", ["fe80::1"]],
    ["the last link-local addresses", ["febf:ffff::1"]],
    ["a range of link-local addresses", ["fe80::/10"]],
    ["an address with a zone", ["fe80::1%eth0"]],
    ["a range with a zone", ["fe80::%eth0/10"]],
    ["an address that is not link-local with a zone", ["2001:db8::1%eth0"]],
    ["a host name", ["localhost"]],
    ["a wildcard", ["*"]],
    ["an address with a wildcard", ["192.0.2.*"]],
    ["an address with a port", ["192.0.2.1:443"]],
    ["an address in brackets", ["[::1]"]],
    ["a URL", ["http://192.0.2.1"]],
    ["an empty address", [""]],
    ["an address with a blank", [" 192.0.2.1"]],
    ["several addresses in one string", ["192.0.2.1,192.0.2.2"]],
    ["undefined in a list", [proxyAddress, undefined]],
    ["a number", [3_221_225_985]],
    ["octets beyond 255", ["192.0.2.256"]],
    ["octets with leading zeros", ["192.0.02.1"]],
    ["three octets", ["10.0.0"]],
    ["three octets and a prefix", ["10.0.0/24"]],
    ["a prefix alone", ["/8"]],
    ["an empty prefix", ["10.0.0.0/"]],
    ["an IPv4 prefix above 32", ["10.0.0.0/33"]],
    ["an IPv6 prefix above 128", ["2001:db8::/129"]],
    ["a negative prefix", ["10.0.0.0/-8"]],
    ["a prefix with a sign", ["10.0.0.0/+8"]],
    ["a prefix with leading zeros", ["10.0.0.0/08"]],
    ["a prefix that is not a whole number", ["10.0.0.0/8.5"]],
    ["a prefix with an exponent", ["10.0.0.0/1e1"]],
    ["a prefix in hexadecimal", ["10.0.0.0/0x8"]],
    ["a prefix with a blank", ["10.0.0.0/ 8"]],
    ["a net mask", ["10.0.0.0/255.0.0.0"]],
    ["two prefixes", ["10.0.0.0/8/8"]],
    ["a keyword of other libraries", ["loopback"]],
  ])("cause a TypeError if they are %s", (_, addresses) => {
    expect(() => parseTrustedProxy({ addresses } as TrustedProxy)).toThrow(TypeError);
    expect(() => parseTrustedProxy({ addresses } as TrustedProxy)).toThrow(/"addresses"/);
  });

  test("are copied: later changes of the list have no effect", () => {
    const addresses = [proxyAddress];
    const trustFailure = parseTrustedProxy({ addresses });
    addresses[0] = "198.51.100.1";
    expect(trustFailure(allHeadersOf(requestWith([], proxyAddress)))).toBeUndefined();
    expect(trustFailure(allHeadersOf(requestWith([], "198.51.100.1")))).toBeDefined();
  });

  test("are compared with the address of a real connection", async () => {
    for (const [addresses, expected] of [
      [["127.0.0.1"], "trusted"],
      [["127.0.0.2", "10.0.0.0/8"], "the connection does not come from an address of the proxy"],
    ] as const) {
      const server = await startServer(createServer(trustListener({ addresses })));
      onTestFinished(server.close);
      expect(await (await fetch(server.url)).text()).toBe(expected);
    }
  });
});

/** Starts a server on a unix socket, or on a named pipe on Windows, until the test ends. */
async function listenOnUnixSocket(server: { listen(path: string): unknown; close(): unknown } & NodeJS.EventEmitter) {
  const folder = mkdtempSync(join(tmpdir(), "certbound-socket-"));
  const path = process.platform === "win32" ? join("\\\\.\\pipe", folder) : join(folder, "s");
  server.listen(path);
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return path;
}

/** Sends a request over a unix socket, and returns the body of the response. */
async function get(socketPath: string): Promise<string> {
  const client = httpRequest({ socketPath, path: "/", agent: false });
  client.end();
  const [response] = (await once(client, "response")) as [AsyncIterable<Buffer>];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** Creates a substitute for the handle of a connection, with this class name. */
function handleOf(name: string): object {
  return { constructor: { name } };
}

/** Creates two connected streams. `stream.duplexPair` is not available before Node.js 22. */
function duplexPair(): readonly [Duplex, Duplex] {
  const side = (other: () => Duplex): Duplex =>
    new Duplex({
      read() {},
      write(chunk, _encoding, done) {
        other().push(chunk);
        done();
      },
      final(done) {
        other().push(null);
        done();
      },
    });
  const near: Duplex = side(() => far);
  const far: Duplex = side(() => near);
  return [near, far];
}

describe("the unix socket", () => {
  const trust = { unixSocket: true } as const;
  const reason = "the connection did not come through a unix socket";

  test("is accepted if the server listens on one", async () => {
    expect(await get(await listenOnUnixSocket(createServer(trustListener(trust))))).toBe("trusted");
  });

  test("is rejected if the server listens on a port", async () => {
    const server = await startServer(createServer(trustListener(trust)));
    onTestFinished(server.close);
    expect(await (await fetch(server.url)).text()).toBe(reason);
  });

  test("is accepted over HTTP/2", async () => {
    const path = await listenOnUnixSocket(
      createHttp2Server((request, response) => response.end(trustResult(trust, request))),
    );
    const session = connectHttp2("http://localhost", { createConnection: () => connect(path) });
    onTestFinished(() => session.destroy());
    const stream = session.request({ ":path": "/" });
    stream.setEncoding("utf8");
    expect((await stream.toArray()).join("")).toBe("trusted");
  });

  test("is accepted for a request during the shutdown of the server", async () => {
    const server: Server = createServer((request, response) => {
      server.close();
      response.end(trustResult(trust, request));
    });
    expect(await get(await listenOnUnixSocket(server))).toBe("trusted");
  });

  test("is rejected for a request to a port during the shutdown of the server", async () => {
    const server = createServer((request, response) => {
      server.close();
      response.end(trustResult(trust, request));
    });
    const { url } = await startServer(server);
    expect(await (await fetch(url, { headers: { connection: "close" } })).text()).toBe(reason);
  });

  test("is accepted below TLS", async () => {
    const { certificate: cert, key } = serverIdentity;
    const path = await listenOnUnixSocket(createHttpsServer({ cert, key }, trustListener(trust)));
    const client = connectTls({ path, ca: certificateAuthority.certificate, servername: "localhost" });
    onTestFinished(() => void client.destroy());
    client.write("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    expect(Buffer.concat(await client.toArray()).toString()).toMatch(/\r\n\r\n.*trusted/s);
  });

  test.each(["http", "https"])("is rejected for a TCP connection that is passed to its %s server", async (scheme) => {
    const { certificate: cert, key } = serverIdentity;
    const server =
      scheme === "http" ? createServer(trustListener(trust)) : createHttpsServer({ cert, key }, trustListener(trust));
    await listenOnUnixSocket(server);
    const front = createTcpServer((socket) => void server.emit("connection", socket)).listen(0, "127.0.0.1");
    onTestFinished(() => void front.close());
    await once(front, "listening");
    const { port } = front.address() as AddressInfo;
    const options = { port, host: "127.0.0.1" };
    const client =
      scheme === "http"
        ? connect(options)
        : connectTls({ ...options, ca: certificateAuthority.certificate, servername: "localhost" });
    onTestFinished(() => void client.destroy());
    client.write("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    expect(Buffer.concat(await client.toArray()).toString()).toContain(reason);
  });

  test("is rejected for a TCP connection that is passed to its server and then reset by the client", async () => {
    let resolveResult = (_reason: string): void => {};
    const result = new Promise<string>((resolve) => {
      resolveResult = resolve;
    });
    const server = createServer((request) => {
      request.socket.once("close", () => resolveResult(trustResult(trust, request)));
      client.resetAndDestroy();
    });
    await listenOnUnixSocket(server);
    const front = createTcpServer((socket) => void server.emit("connection", socket)).listen(0, "127.0.0.1");
    onTestFinished(() => void front.close());
    await once(front, "listening");
    const client = connect((front.address() as AddressInfo).port, "127.0.0.1");
    client.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    expect(await result).toContain("the connection is closed");
  });

  test("is rejected for a stream that is not a connection, below TLS", async () => {
    const { certificate: cert, key } = serverIdentity;
    const server = createHttpsServer({ cert, key }, trustListener(trust));
    await listenOnUnixSocket(server);
    const [near, far] = duplexPair();
    server.emit("connection", far);
    const client = connectTls({ socket: near, ca: certificateAuthority.certificate, servername: "localhost" });
    onTestFinished(() => void client.destroy());
    client.write("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    expect(Buffer.concat(await client.toArray()).toString()).toContain(reason);
  });

  test.each<[string, object]>([
    ["no remote address", { remoteAddress: undefined }],
    ["a path as its address", { remoteAddress: "/run/s" }],
    ["a server that listens on a path", { server: { address: () => "/run/s" } }],
    ["another handle", { _handle: {} }],
  ])("is rejected for a request with %s", (_, socket) => {
    expect(trustResult(trust, { rawHeaders: [], socket })).toBe(reason);
  });

  test("is rejected for a request whose handle is null", () => {
    expect(trustResult(trust, { rawHeaders: [], socket: { _handle: null } as object })).toContain(
      "the connection is closed",
    );
  });

  test("is rejected for a handle on Object.prototype", () => {
    withPollutedPrototype("_handle", handleOf("Pipe"), () => {
      expect(trustResult(trust, { rawHeaders: [], socket: {} })).toBe(reason);
    });
  });

  test.each([false, undefined, null, 1, "true", "/run/s", {}, [true]])(
    "causes a TypeError if it is %j",
    (unixSocket) => {
      expect(() => parseTrustedProxy({ unixSocket } as unknown as TrustedProxy)).toThrow(TypeError);
      expect(() => parseTrustedProxy({ unixSocket, addresses: [proxyAddress] } as unknown as TrustedProxy)).toThrow(
        /"unixSocket" .* must be true, or omitted/,
      );
    },
  );
});

const proxy = await certificateAuthority.issueClientCertificate({ commonName: "proxy" });
const other = await certificateAuthority.issueClientCertificate({ commonName: "proxy" });
const selfSigned = await createSelfSignedCertificate({ commonName: "proxy" });

describe("the certificate of the proxy", () => {
  const tls = {
    cert: serverIdentity.certificate,
    key: serverIdentity.key,
    ca: certificateAuthority.certificate,
    requestCert: true,
    rejectUnauthorized: false,
  };

  /** Sends a request with a certificate to a server that trusts these thumbprints, and returns the result. */
  async function resultOf(
    certificateThumbprints: readonly string[],
    options: { readonly identity?: typeof proxy; readonly httpVersion?: 1 | 2; readonly tlsVersion?: "TLSv1.2" },
  ): Promise<string> {
    const trust = { certificateThumbprints };
    const trustFailure = parseTrustedProxy(trust);
    const server = await startServer(
      options.httpVersion === 2
        ? createSecureServer(tls, (request, response) => response.end(trustFailure(allHeadersOf(request)) ?? "trusted"))
        : createHttpsServer(tls, trustListener(trust)),
    );
    onTestFinished(server.close);
    return (await mtlsRequest(server.url, { ca: certificateAuthority.certificate, ...options })).body;
  }

  test.each([
    ["HTTP/1.1 and TLS 1.3", { identity: proxy }],
    ["HTTP/1.1 and TLS 1.2", { identity: proxy, tlsVersion: "TLSv1.2" }],
    ["HTTP/2", { identity: proxy, httpVersion: 2 }],
  ] as const)("is accepted over %s", async (_, options) => {
    expect(await resultOf([proxy.thumbprint], options)).toBe("trusted");
    expect(await resultOf([other.thumbprint], options)).toBe(
      "the certificate of the connection does not match the thumbprint of the proxy",
    );
  });

  test("can be one of several while it is changed", async () => {
    expect(await resultOf([other.thumbprint, proxy.thumbprint], { identity: proxy })).toBe("trusted");
  });

  test("can be self-signed, because only the thumbprint is compared", async () => {
    expect(await resultOf([selfSigned.thumbprint], { identity: selfSigned })).toBe("trusted");
    expect(await resultOf([proxy.thumbprint], { identity: selfSigned })).not.toBe("trusted");
  });

  test.each([1, 2] as const)("is missing if the proxy did not present one, over HTTP/%i", async (httpVersion) => {
    expect(await resultOf([proxy.thumbprint], { httpVersion })).toBe("the proxy did not present a client certificate");
  });

  test("is missing without TLS", async () => {
    const server = await startServer(createServer(trustListener({ certificateThumbprints: [proxy.thumbprint] })));
    onTestFinished(server.close);
    expect(await (await fetch(server.url)).text()).toBe("the proxy did not present a client certificate");
  });

  test("is not replaced by the member authorized of the socket", () => {
    const socket = { authorized: true, getPeerX509Certificate: () => undefined };
    const trust = { certificateThumbprints: [proxy.thumbprint] };
    expect(trustResult(trust, { rawHeaders: [], socket })).not.toBe("trusted");
  });

  test.each<[string, unknown]>([
    ["empty", []],
    ["a string", thumbprint],
    ["undefined", undefined],
    ["an empty string", [""]],
    ["undefined in a list", [thumbprint, undefined]],
    ["a thumbprint of 42 characters", [thumbprint.slice(1)]],
    ["a thumbprint with padding", [`${thumbprint}=`]],
    ["a thumbprint that is not canonical", [`${thumbprint.slice(0, -1)}B`]],
    ["a thumbprint in hexadecimal", [Buffer.from(thumbprint, "base64url").toString("hex")]],
    ["a fingerprint with colons", ["8F:35:85:7D"]],
    ["a certificate", [proxy.certificate]],
    ["a nested list", [[thumbprint]]],
    ["the SHA-256 of an empty input", [THUMBPRINT_OF_EMPTY_INPUT]],
    ["a thumbprint and the SHA-256 of an empty input", [thumbprint, THUMBPRINT_OF_EMPTY_INPUT]],
  ])("causes a TypeError if the thumbprints are %s", (_, certificateThumbprints) => {
    const trust = { certificateThumbprints } as TrustedProxy;
    expect(() => parseTrustedProxy(trust)).toThrow(TypeError);
    expect(() => parseTrustedProxy(trust)).toThrow(/"certificateThumbprints"/);
  });
});

describe("several rules", () => {
  const onSocket: object = { _handle: handleOf("Pipe") };
  const onPort: object = { _handle: handleOf("TCP") };
  const headers = ["x-proxy-secret", secret];

  test.each<[string, TrustedProxy, NodeRequest, NodeRequest[]]>([
    [
      "secret and addresses",
      { secret: { header: "x-proxy-secret", value: secret }, addresses: [proxyAddress] },
      requestWith(headers),
      [requestWith([]), requestWith(headers, "192.0.2.2"), requestWith([], "192.0.2.2")],
    ],
    [
      "secret and unixSocket",
      { secret: { header: "x-proxy-secret", value: secret }, unixSocket: true },
      { rawHeaders: headers, socket: onSocket },
      [
        { rawHeaders: [], socket: onSocket },
        { rawHeaders: headers, socket: onPort },
      ],
    ],
    [
      "addresses and unixSocket, which a unix socket never meets together",
      { addresses: [proxyAddress], unixSocket: true },
      { rawHeaders: [], socket: { ...onSocket, remoteAddress: proxyAddress } },
      [
        { rawHeaders: [], socket: onSocket },
        { rawHeaders: [], socket: { ...onPort, remoteAddress: proxyAddress } },
      ],
    ],
  ])("must all be met: %s", (_, trust, good, bad) => {
    expect(trustResult(trust, good)).toBe("trusted");
    for (const request of bad) expect(trustResult(trust, request)).not.toBe("trusted");
  });

  test("must all be met: secret, address and certificate, on a real connection", async () => {
    const trust = (address: string, certificate: string): TrustedProxy => ({
      secret: { header: "x-proxy-secret", value: secret },
      addresses: [address],
      certificateThumbprints: [certificate],
    });
    const resultOf = async (rule: TrustedProxy, sent: string): Promise<string> => {
      const { certificate: cert, key } = serverIdentity;
      const options = { cert, key, ca: certificateAuthority.certificate, requestCert: true };
      const server = await startServer(createHttpsServer(options, trustListener(rule)));
      onTestFinished(server.close);
      const request = { ca: certificateAuthority.certificate, identity: proxy, headers: { "X-Proxy-Secret": sent } };
      return (await mtlsRequest(server.url, request)).body;
    };
    expect(await resultOf(trust("127.0.0.1", proxy.thumbprint), secret)).toBe("trusted");
    expect(await resultOf(trust("127.0.0.1", proxy.thumbprint), `${secret}0`)).toMatch(/secret/);
    expect(await resultOf(trust("127.0.0.2", proxy.thumbprint), secret)).toMatch(/address/);
    expect(await resultOf(trust("127.0.0.1", other.thumbprint), secret)).toMatch(/certificate/);
  });
});

describe("a trust rule", () => {
  test.each<[string, unknown, RegExp]>([
    ["that is empty", {}, /the trust rule is empty; set secret, addresses, unixSocket or certificateThumbprints/],
    ["that is null", null, /must be an object/],
    ["that is a list", [], /must be an object/],
    ["with a misspelled member", { address: [proxyAddress] }, /unknown option "address"/],
    ["with a member in another letter case", { unixsocket: true }, /unknown option "unixsocket"/],
    ["with a valid and an unknown member", { addresses: [proxyAddress], hops: 1 }, /unknown option "hops"/],
    ["with a valid and an undefined member", { addresses: [proxyAddress], secret: undefined }, /"secret"/],
    ["with undefined members", { addresses: undefined, secret: undefined }, /"addresses"/],
    ["with inherited members", Object.create({ addresses: [proxyAddress] }), /the trust rule is empty/],
  ])("%s causes a TypeError", (_, trust, message) => {
    expect(() => parseTrustedProxy(trust as TrustedProxy)).toThrow(TypeError);
    expect(() => parseTrustedProxy(trust as TrustedProxy)).toThrow(message);
  });

  test("does not quote the secret in errors", () => {
    const bad = { secret: { header: "x", value: [secret, "short-and-secret"] } };
    expect(() => parseTrustedProxy(bad)).toThrow(
      expect.objectContaining({ message: expect.not.stringMatching(/short-and-secret|0123456789/) }),
    );
  });
});
