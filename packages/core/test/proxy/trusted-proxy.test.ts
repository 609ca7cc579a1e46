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
import { THUMBPRINT_OF_NOTHING } from "../../src/values/thumbprint.ts";
import { allHeadersOf } from "../support/all-headers.ts";
import { proxyAddress, requestWith } from "../support/forwarding.ts";
import { withPollutedPrototype } from "../support/polluted-prototype.ts";

fc.configureGlobal({ seed: 4291 });

const authority = await createCertificateAuthority();
const serverIdentity = await authority.issueServerCertificate();
const secret = "0123456789abcdef0123456789ABCDEF";
const thumbprint = "jzWFfaP4T-M_oojWc4MV3ktdL_DOSDVmGJIHsQ0hZAA";

/** Why a request is not from the proxy, or that it is. */
function judged(trust: TrustedProxy, request: NodeRequest): string {
  return parseTrustedProxy(trust)(allHeadersOf(request)) ?? "trusted";
}

/** What a server answers that asks the rule about every request. */
function judging(trust: TrustedProxy): RequestListener {
  const trustFailure = parseTrustedProxy(trust);
  return (request, response) => {
    response.end(trustFailure(allHeadersOf(request)) ?? "trusted");
  };
}

describe("the secret", () => {
  const trust = { secret: { header: "X-Proxy-Secret", value: secret } };

  test.each([
    ["as configured", ["X-Proxy-Secret", secret]],
    ["in a header of another letter case", ["x-PROXY-secret", secret]],
    ["among other headers", ["Host", "a", "x-proxy-secret", secret, "x-proxy-secret-2", "b"]],
    ["beside an underscore variant", ["x_proxy_secret", "b", "x-proxy-secret", secret]],
  ])("is proof when it is sent %s", (_, rawHeaders) => {
    expect(judged(trust, requestWith(rawHeaders))).toBe("trusted");
  });

  test.each<[string, readonly string[], RegExp]>([
    ["missing", [], /x-proxy-secret with the proxy's secret is missing/],
    ["under another name", ["x-proxy", secret], /is missing/],
    ["under a name with underscores", ["x_proxy_secret", secret], /is missing/],
    ["as a header's name", [secret, "x-proxy-secret"], /is missing/],
    ["twice", ["x-proxy-secret", secret, "x-proxy-secret", secret], /occurs 2 times instead of once/],
    [
      "twice, in another letter case",
      ["x-proxy-secret", secret, "X-PROXY-SECRET", secret],
      /occurs 2 times instead of once/,
    ],
    ["beside one that is wrong", ["x-proxy-secret", "a", "x-proxy-secret", secret], /occurs 2 times instead of once/],
    ["twice in one value", ["x-proxy-secret", `${secret}, ${secret}`], /does not contain/],
    ["empty", ["x-proxy-secret", ""], /does not contain/],
    ["in part", ["x-proxy-secret", secret.slice(0, -1)], /does not contain/],
    ["with more behind it", ["x-proxy-secret", `${secret}0`], /does not contain/],
    ["with more before it", ["x-proxy-secret", `0${secret}`], /does not contain/],
    ["in another letter case", ["x-proxy-secret", secret.toLowerCase()], /does not contain/],
    ["with a blank", ["x-proxy-secret", ` ${secret}`], /does not contain/],
    ["between quotes", ["x-proxy-secret", `"${secret}"`], /does not contain/],
    ["with another last character", ["x-proxy-secret", `${secret.slice(0, -1)}E`], /does not contain/],
  ])("is none when it is sent %s", (_, rawHeaders, reason) => {
    expect(judged(trust, requestWith(rawHeaders))).toMatch(reason);
  });

  fuzz.prop([fc.nat(31), fc.integer({ min: 0x21, max: 0x7e })])("differs in any one character", (at, code) => {
    const sent = secret.slice(0, at) + String.fromCodePoint(code) + secret.slice(at + 1);
    expect(judged(trust, requestWith(["x-proxy-secret", sent])) === "trusted").toBe(sent === secret);
  });

  fuzz.prop([fc.string({ unit: "binary" })])("is no other text, and is never quoted", (sent) => {
    fc.pre(sent !== secret);
    const reason = judged(trust, requestWith(["x-proxy-secret", sent]));
    expect(reason).toBe("the header x-proxy-secret does not contain the proxy's secret");
  });

  test("may be either of two while it is changed", () => {
    const next = "fedcba9876543210fedcba9876543210";
    const rotating = { secret: { header: "x-proxy-secret", value: [secret, next] } };
    expect(judged(rotating, requestWith(["x-proxy-secret", secret]))).toBe("trusted");
    expect(judged(rotating, requestWith(["x-proxy-secret", next]))).toBe("trusted");
    expect(judged(rotating, requestWith(["x-proxy-secret", `${secret},${next}`]))).not.toBe("trusted");
    expect(judged(rotating, requestWith(["x-proxy-secret", secret.slice(0, 16) + next.slice(16)]))).not.toBe("trusted");
    expect(judged(trust, requestWith(["x-proxy-secret", next]))).not.toBe("trusted");
  });

  test("is copied: a list that changes later changes nothing", () => {
    const value = [secret];
    const trustFailure = parseTrustedProxy({ secret: { header: "x-proxy-secret", value } });
    value[0] = "a";
    value.push("b");
    expect(trustFailure(allHeadersOf(requestWith(["x-proxy-secret", secret])))).toBeUndefined();
    expect(trustFailure(allHeadersOf(requestWith(["x-proxy-secret", "a"])))).toBeDefined();
  });

  test.each<[string, unknown]>([
    ["a text", secret],
    ["a list", [{ header: "x", value: secret }]],
    ["null", null],
    ["undefined", undefined],
    ["empty", {}],
    ["without header", { value: secret }],
    ["without value", { header: "x" }],
    ["of an undefined value, as of an environment variable that is not set", { header: "x", value: undefined }],
    ["of an undefined header", { header: undefined, value: secret }],
    ["of an empty value", { header: "x", value: "" }],
    ["of 31 characters", { header: "x", value: secret.slice(1) }],
    ["of blanks", { header: "x", value: " ".repeat(32) }],
    ["with a blank inside", { header: "x", value: `${secret} ${secret}` }],
    ["with a line feed behind", { header: "x", value: `${secret}\n` }],
    ["beyond ASCII", { header: "x", value: secret.replaceAll("a", "ä") }],
    ["of bytes", { header: "x", value: Buffer.from(secret) }],
    ["of an empty list", { header: "x", value: [] }],
    ["of a list with one that is short", { header: "x", value: [secret, "short"] }],
    ["of a list with undefined", { header: "x", value: [secret, undefined] }],
    ["of a list within a list", { header: "x", value: [[secret]] }],
    ["in a header that is none", { header: "x y", value: secret }],
    ["with a misspelled member", { header: "x", value: secret, vlaue: secret }],
  ])("is a TypeError when it is %s", (_, bad) => {
    expect(() => parseTrustedProxy({ secret: bad } as TrustedProxy)).toThrow(TypeError);
    expect(() => parseTrustedProxy({ secret: bad } as TrustedProxy)).toThrow(/^certbound: /);
    expect(() => parseTrustedProxy({ secret: bad, addresses: [proxyAddress] } as TrustedProxy)).toThrow(TypeError);
  });

  test.each([
    ["32 characters", secret],
    ["every visible character", Array.from({ length: 94 }, (_, at) => String.fromCodePoint(0x21 + at)).join("")],
    ["a list of one", [secret]],
  ])("may be %s", (_, value) => {
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
  ])("%s hold %s", (range, address) => {
    expect(judged({ addresses: [range] }, requestWith([], address))).toBe("trusted");
    expect(judged({ addresses: ["203.0.113.9", "2001:db8:1::1", range] }, requestWith([], address))).toBe("trusted");
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
  ])("%s do not hold the neighbour %s", (range, address) => {
    const reason = "the connection does not come from an address of the proxy";
    expect(judged({ addresses: [range] }, requestWith([], address))).toBe(reason);
  });

  // Every IPv4 address has a form in IPv6, and it lies in these ranges: that must not let the Internet in.
  test.each(["::/64", "::1/8", "::/1", "::/80", "0:0:0:0:0:ffff::/96", "0::ffff:0:0/97", "::fffe:0:0/95"])(
    "%s hold no IPv4 address",
    (range) => {
      for (const address of ["203.0.113.9", "::ffff:203.0.113.9", "::ffff:cb00:7109", "127.0.0.1"]) {
        expect(judged({ addresses: [range] }, requestWith([], address))).not.toBe("trusted");
        expect(
          judged(
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
  ])("do not hold a remote address of %j", (address) => {
    const request = { rawHeaders: [], socket: { remoteAddress: address } };
    const trust = { addresses: ["192.0.2.0/24", "::1", "fe00::/8", "8000::/1"] };
    expect(judged(trust, request)).not.toBe("trusted");
    expect(judged(trust, { ...request, socket: { remoteAddress: "192.0.2.1" } })).toBe("trusted");
  });

  test("say that there is no address, where there is none", () => {
    const request = { rawHeaders: [], socket: {} };
    expect(judged({ addresses: [proxyAddress] }, request)).toBe("the connection has no address, or is closed");
  });

  test("are those of the connection, not of a header", () => {
    const headers = ["X-Forwarded-For", proxyAddress, "Forwarded", `for=${proxyAddress}`, "X-Real-IP", proxyAddress];
    expect(judged({ addresses: [proxyAddress] }, requestWith(headers, "198.51.100.1"))).not.toBe("trusted");
  });

  const octets = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255));
  const number = (parts: readonly number[]): number => parts.reduce((sum, part) => sum * 256 + part, 0);

  fuzz.prop([octets, octets, fc.integer({ min: 1, max: 32 })], { numRuns: 500 })(
    "hold an IPv4 address exactly when its first bits are those of the range",
    (network, address, bits) => {
      const size = 2 ** (32 - bits);
      const inside = Math.floor(number(network) / size) === Math.floor(number(address) / size);
      const trust = { addresses: [`${network.join(".")}/${bits}`] };
      for (const text of [address.join("."), `::ffff:${address.join(".")}`]) {
        expect(judged(trust, requestWith([], text)) === "trusted").toBe(inside);
      }
    },
  );

  const groups = fc.bigInt({ min: 0n, max: 2n ** 128n - 1n });
  const write = (address: bigint): string => address.toString(16).padStart(32, "0").match(/.{4}/g)?.join(":") ?? "";

  fuzz.prop([groups, groups, fc.integer({ min: 1, max: 128 }), fc.nat(128)], { numRuns: 500 })(
    "hold an IPv6 address exactly when its first bits are those of the range",
    (network, other, bits, common) => {
      // An address that shares some of the first bits, so that both outcomes occur.
      const low = (1n << BigInt(128 - common)) - 1n;
      const address = (network & ~low) | (other & low);
      const shift = BigInt(128 - bits);
      fc.pre([network, address].every((one) => one >> 118n !== 0xfe80n >> 6n));
      const trust = { addresses: [`${write(network)}/${bits}`] };
      expect(judged(trust, requestWith([], write(address))) === "trusted").toBe(network >> shift === address >> shift);
    },
  );

  test.each<[string, unknown]>([
    ["empty", []],
    ["a text", proxyAddress],
    ["undefined", undefined],
    ["null", null],
    ["a set", new Set([proxyAddress])],
    ["everything, of IPv4", ["0.0.0.0/0"]],
    ["everything, of IPv6", ["::/0"]],
    ["everything, beside one address", [proxyAddress, "::/0"]],
    ["everything, from one address", ["192.0.2.1/0"]],
    ["everything, with zeros", ["0.0.0.0/00"]],
    ["a range of all mapped addresses", ["::ffff:0:0/96"]],
    ["a mapped address", ["::ffff:192.0.2.1"]],
    ["a link-local address", ["fe80::1"]],
    ["a link-local address at the end of their range", ["febf:ffff::1"]],
    ["a range of link-local addresses", ["fe80::/10"]],
    ["an address with a zone", ["fe80::1%eth0"]],
    ["a range with a zone", ["fe80::%eth0/10"]],
    ["an address of another kind with a zone", ["2001:db8::1%eth0"]],
    ["a host name", ["localhost"]],
    ["a wildcard", ["*"]],
    ["an address with a wildcard", ["192.0.2.*"]],
    ["an address with a port", ["192.0.2.1:443"]],
    ["an address in brackets", ["[::1]"]],
    ["a URL", ["http://192.0.2.1"]],
    ["an empty address", [""]],
    ["an address with a blank", [" 192.0.2.1"]],
    ["several in one text", ["192.0.2.1,192.0.2.2"]],
    ["undefined in a list", [proxyAddress, undefined]],
    ["a number", [3_221_225_985]],
    ["octets beyond 255", ["192.0.2.256"]],
    ["octets with leading zeros", ["192.0.02.1"]],
    ["three octets", ["10.0.0"]],
    ["three octets and a prefix", ["10.0.0/24"]],
    ["a prefix alone", ["/8"]],
    ["a prefix of nothing", ["10.0.0.0/"]],
    ["a prefix of more bits than there are", ["10.0.0.0/33"]],
    ["a prefix of more bits than there are, of IPv6", ["2001:db8::/129"]],
    ["a negative prefix", ["10.0.0.0/-8"]],
    ["a prefix with a sign", ["10.0.0.0/+8"]],
    ["a prefix with leading zeros", ["10.0.0.0/08"]],
    ["a prefix that is no whole number", ["10.0.0.0/8.5"]],
    ["a prefix with an exponent", ["10.0.0.0/1e1"]],
    ["a prefix in hexadecimal", ["10.0.0.0/0x8"]],
    ["a prefix with a blank", ["10.0.0.0/ 8"]],
    ["a net mask", ["10.0.0.0/255.0.0.0"]],
    ["two prefixes", ["10.0.0.0/8/8"]],
    ["a word of other libraries", ["loopback"]],
  ])("are a TypeError when they are %s", (_, addresses) => {
    expect(() => parseTrustedProxy({ addresses } as TrustedProxy)).toThrow(TypeError);
    expect(() => parseTrustedProxy({ addresses } as TrustedProxy)).toThrow(/"addresses"/);
  });

  test("are copied: a list that changes later changes nothing", () => {
    const addresses = [proxyAddress];
    const trustFailure = parseTrustedProxy({ addresses });
    addresses[0] = "198.51.100.1";
    expect(trustFailure(allHeadersOf(requestWith([], proxyAddress)))).toBeUndefined();
    expect(trustFailure(allHeadersOf(requestWith([], "198.51.100.1")))).toBeDefined();
  });

  test("are those of a real connection", async () => {
    for (const [addresses, answer] of [
      [["127.0.0.1"], "trusted"],
      [["127.0.0.2", "10.0.0.0/8"], "the connection does not come from an address of the proxy"],
    ] as const) {
      const server = await startServer(createServer(judging({ addresses })));
      onTestFinished(server.close);
      expect(await (await fetch(server.url)).text()).toBe(answer);
    }
  });
});

/** Lets a server listen on a unix socket, or a named pipe on Windows, until the test ends. */
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

/** The answer to a request over a unix socket. */
async function ask(socketPath: string): Promise<string> {
  const client = httpRequest({ socketPath, path: "/", agent: false });
  client.end();
  const [response] = (await once(client, "response")) as [AsyncIterable<Buffer>];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** What stands for the handle of a connection: its class has this name. */
function handleOf(name: string): object {
  return { constructor: { name } };
}

/** Two streams, each of which reads what is written to the other; `stream.duplexPair` came with Node 22. */
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

  test("is proof on a server that listens on one", async () => {
    expect(await ask(await listenOnUnixSocket(createServer(judging(trust))))).toBe("trusted");
  });

  test("is none on a server that listens on a port", async () => {
    const server = await startServer(createServer(judging(trust)));
    onTestFinished(server.close);
    expect(await (await fetch(server.url)).text()).toBe(reason);
  });

  test("is proof over HTTP/2 too, and only on one", async () => {
    const path = await listenOnUnixSocket(
      createHttp2Server((request, response) => response.end(judged(trust, request))),
    );
    const session = connectHttp2("http://localhost", { createConnection: () => connect(path) });
    onTestFinished(() => session.destroy());
    const stream = session.request({ ":path": "/" });
    stream.setEncoding("utf8");
    expect((await stream.toArray()).join("")).toBe("trusted");
  });

  test("is proof for a request that outlives the server, in a shutdown", async () => {
    const server: Server = createServer((request, response) => {
      server.close();
      response.end(judged(trust, request));
    });
    expect(await ask(await listenOnUnixSocket(server))).toBe("trusted");
  });

  test("is none for one on a port, of which the address is gone", async () => {
    const server = createServer((request, response) => {
      server.close();
      response.end(judged(trust, request));
    });
    const { url } = await startServer(server);
    expect(await (await fetch(url, { headers: { connection: "close" } })).text()).toBe(reason);
  });

  test("is proof below TLS", async () => {
    const { certificate: cert, key } = serverIdentity;
    const path = await listenOnUnixSocket(createHttpsServer({ cert, key }, judging(trust)));
    const client = connectTls({ path, ca: authority.certificate, servername: "localhost" });
    onTestFinished(() => void client.destroy());
    client.write("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    expect(Buffer.concat(await client.toArray()).toString()).toMatch(/\r\n\r\n.*trusted/s);
  });

  test.each(["http", "https"])("is not proven by a TCP connection that is handed to its %s server", async (scheme) => {
    const { certificate: cert, key } = serverIdentity;
    const server = scheme === "http" ? createServer(judging(trust)) : createHttpsServer({ cert, key }, judging(trust));
    await listenOnUnixSocket(server);
    const front = createTcpServer((socket) => void server.emit("connection", socket)).listen(0, "127.0.0.1");
    onTestFinished(() => void front.close());
    await once(front, "listening");
    const { port } = front.address() as AddressInfo;
    const options = { port, host: "127.0.0.1" };
    const client =
      scheme === "http"
        ? connect(options)
        : connectTls({ ...options, ca: authority.certificate, servername: "localhost" });
    onTestFinished(() => void client.destroy());
    client.write("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    expect(Buffer.concat(await client.toArray()).toString()).toContain(reason);
  });

  test("is not proven by a TCP connection that is handed over, and then reset by its client", async () => {
    let judge = (_reason: string): void => {};
    const judgement = new Promise<string>((resolve) => {
      judge = resolve;
    });
    const server = createServer((request) => {
      request.socket.once("close", () => judge(judged(trust, request)));
      client.resetAndDestroy();
    });
    await listenOnUnixSocket(server);
    const front = createTcpServer((socket) => void server.emit("connection", socket)).listen(0, "127.0.0.1");
    onTestFinished(() => void front.close());
    await once(front, "listening");
    const client = connect((front.address() as AddressInfo).port, "127.0.0.1");
    client.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    expect(await judgement).toContain("the connection is closed");
  });

  test("is not proven by a stream that is not a connection, below TLS", async () => {
    const { certificate: cert, key } = serverIdentity;
    const server = createHttpsServer({ cert, key }, judging(trust));
    await listenOnUnixSocket(server);
    const [near, far] = duplexPair();
    server.emit("connection", far);
    const client = connectTls({ socket: near, ca: authority.certificate, servername: "localhost" });
    onTestFinished(() => void client.destroy());
    client.write("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    expect(Buffer.concat(await client.toArray()).toString()).toContain(reason);
  });

  test.each<[string, object]>([
    ["no remote address", { remoteAddress: undefined }],
    ["a path for an address", { remoteAddress: "/run/s" }],
    ["a server that listens on one", { server: { address: () => "/run/s" } }],
    ["another handle", { _handle: {} }],
  ])("is not proven by a request with %s", (_, socket) => {
    expect(judged(trust, { rawHeaders: [], socket })).toBe(reason);
  });

  test("is not proven by a request with no handle any more", () => {
    expect(judged(trust, { rawHeaders: [], socket: { _handle: null } as object })).toContain(
      "the connection is closed",
    );
  });

  test("is not proven by a handle on Object.prototype", () => {
    withPollutedPrototype("_handle", handleOf("Pipe"), () => {
      expect(judged(trust, { rawHeaders: [], socket: {} })).toBe(reason);
    });
  });

  test.each([false, undefined, null, 1, "true", "/run/s", {}, [true]])("is a TypeError when it is %j", (unixSocket) => {
    expect(() => parseTrustedProxy({ unixSocket } as unknown as TrustedProxy)).toThrow(TypeError);
    expect(() => parseTrustedProxy({ unixSocket, addresses: [proxyAddress] } as unknown as TrustedProxy)).toThrow(
      /"unixSocket" .* must be true, or omitted/,
    );
  });
});

const proxy = await authority.issueClientCertificate({ commonName: "proxy" });
const other = await authority.issueClientCertificate({ commonName: "proxy" });
const selfSigned = await createSelfSignedCertificate({ commonName: "proxy" });

describe("the proxy's own certificate", () => {
  const tls = {
    cert: serverIdentity.certificate,
    key: serverIdentity.key,
    ca: authority.certificate,
    requestCert: true,
    rejectUnauthorized: false,
  };

  /** The answer to a request with this certificate, of a server that trusts those. */
  async function answer(
    certificateThumbprints: readonly string[],
    options: { readonly identity?: typeof proxy; readonly httpVersion?: 1 | 2; readonly tlsVersion?: "TLSv1.2" },
  ): Promise<string> {
    const trust = { certificateThumbprints };
    const trustFailure = parseTrustedProxy(trust);
    const server = await startServer(
      options.httpVersion === 2
        ? createSecureServer(tls, (request, response) => response.end(trustFailure(allHeadersOf(request)) ?? "trusted"))
        : createHttpsServer(tls, judging(trust)),
    );
    onTestFinished(server.close);
    return (await mtlsRequest(server.url, { ca: authority.certificate, ...options })).body;
  }

  test.each([
    ["HTTP/1.1 and TLS 1.3", { identity: proxy }],
    ["HTTP/1.1 and TLS 1.2", { identity: proxy, tlsVersion: "TLSv1.2" }],
    ["HTTP/2", { identity: proxy, httpVersion: 2 }],
  ] as const)("is proof over %s", async (_, options) => {
    expect(await answer([proxy.thumbprint], options)).toBe("trusted");
    expect(await answer([other.thumbprint], options)).toBe(
      "the certificate of the connection does not match the thumbprint of the proxy",
    );
  });

  test("may be one of several, while it is changed", async () => {
    expect(await answer([other.thumbprint, proxy.thumbprint], { identity: proxy })).toBe("trusted");
  });

  test("may be self-signed: the thumbprint is what counts", async () => {
    expect(await answer([selfSigned.thumbprint], { identity: selfSigned })).toBe("trusted");
    expect(await answer([proxy.thumbprint], { identity: selfSigned })).not.toBe("trusted");
  });

  test.each([1, 2] as const)("is missing where none was presented, over HTTP/%i", async (httpVersion) => {
    expect(await answer([proxy.thumbprint], { httpVersion })).toBe("the proxy did not present a client certificate");
  });

  test("is missing without TLS", async () => {
    const server = await startServer(createServer(judging({ certificateThumbprints: [proxy.thumbprint] })));
    onTestFinished(server.close);
    expect(await (await fetch(server.url)).text()).toBe("the proxy did not present a client certificate");
  });

  test("is not what a socket says to be authorized", () => {
    const socket = { authorized: true, getPeerX509Certificate: () => undefined };
    const trust = { certificateThumbprints: [proxy.thumbprint] };
    expect(judged(trust, { rawHeaders: [], socket })).not.toBe("trusted");
  });

  test.each<[string, unknown]>([
    ["empty", []],
    ["a text", thumbprint],
    ["undefined", undefined],
    ["an empty text", [""]],
    ["undefined in a list", [thumbprint, undefined]],
    ["one of 42 characters", [thumbprint.slice(1)]],
    ["one with padding", [`${thumbprint}=`]],
    ["one that is not canonical", [`${thumbprint.slice(0, -1)}B`]],
    ["one in hexadecimal", [Buffer.from(thumbprint, "base64url").toString("hex")]],
    ["a fingerprint with colons", ["8F:35:85:7D"]],
    ["a certificate", [proxy.certificate]],
    ["a list in a list", [[thumbprint]]],
    ["the SHA-256 of nothing", [THUMBPRINT_OF_NOTHING]],
    ["the SHA-256 of nothing beside a good one", [thumbprint, THUMBPRINT_OF_NOTHING]],
  ])("is a TypeError when the thumbprints are %s", (_, certificateThumbprints) => {
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
      "addresses and unixSocket, which never hold together on a unix socket",
      { addresses: [proxyAddress], unixSocket: true },
      { rawHeaders: [], socket: { ...onSocket, remoteAddress: proxyAddress } },
      [
        { rawHeaders: [], socket: onSocket },
        { rawHeaders: [], socket: { ...onPort, remoteAddress: proxyAddress } },
      ],
    ],
  ])("must all hold: %s", (_, trust, good, bad) => {
    expect(judged(trust, good)).toBe("trusted");
    for (const request of bad) expect(judged(trust, request)).not.toBe("trusted");
  });

  test("must all hold: secret, address and certificate, on a real connection", async () => {
    const trust = (address: string, certificate: string): TrustedProxy => ({
      secret: { header: "x-proxy-secret", value: secret },
      addresses: [address],
      certificateThumbprints: [certificate],
    });
    const answerTo = async (rule: TrustedProxy, sent: string): Promise<string> => {
      const { certificate: cert, key } = serverIdentity;
      const options = { cert, key, ca: authority.certificate, requestCert: true };
      const server = await startServer(createHttpsServer(options, judging(rule)));
      onTestFinished(server.close);
      const request = { ca: authority.certificate, identity: proxy, headers: { "X-Proxy-Secret": sent } };
      return (await mtlsRequest(server.url, request)).body;
    };
    expect(await answerTo(trust("127.0.0.1", proxy.thumbprint), secret)).toBe("trusted");
    expect(await answerTo(trust("127.0.0.1", proxy.thumbprint), `${secret}0`)).toMatch(/secret/);
    expect(await answerTo(trust("127.0.0.2", proxy.thumbprint), secret)).toMatch(/address/);
    expect(await answerTo(trust("127.0.0.1", other.thumbprint), secret)).toMatch(/certificate/);
  });
});

describe("a trust rule", () => {
  test.each<[string, unknown, RegExp]>([
    ["empty", {}, /the trust rule is empty; set secret, addresses, unixSocket or certificateThumbprints/],
    ["null", null, /must be an object/],
    ["a list", [], /must be an object/],
    ["of a misspelled member", { address: [proxyAddress] }, /unknown option "address"/],
    ["of a member in another letter case", { unixsocket: true }, /unknown option "unixsocket"/],
    ["of a good member and an unknown one", { addresses: [proxyAddress], hops: 1 }, /unknown option "hops"/],
    ["of a good member and an undefined one", { addresses: [proxyAddress], secret: undefined }, /"secret"/],
    ["of undefined members", { addresses: undefined, secret: undefined }, /"addresses"/],
    ["of inherited members", Object.create({ addresses: [proxyAddress] }), /the trust rule is empty/],
  ])("is a TypeError when it is %s", (_, trust, message) => {
    expect(() => parseTrustedProxy(trust as TrustedProxy)).toThrow(TypeError);
    expect(() => parseTrustedProxy(trust as TrustedProxy)).toThrow(message);
  });

  test("keeps the secret out of its errors", () => {
    const bad = { secret: { header: "x", value: [secret, "short-and-secret"] } };
    expect(() => parseTrustedProxy(bad)).toThrow(
      expect.objectContaining({ message: expect.not.stringMatching(/short-and-secret|0123456789/) }),
    );
  });
});
