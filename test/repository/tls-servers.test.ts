import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { pages } from "../../tools/check-snippets.mjs";

/** Matches options that reject renegotiation. A server that requests client certificates needs one of them. */
const protection = /minVersion: "TLSv1\.3"|\bSSL_OP_NO_RENEGOTIATION\b|\.\.\.kit\.serverOptions\b/;

/** Lists the TLS options in a piece of code that request client certificates and allow renegotiation. */
function renegotiatingServers(code: string): string[] {
  // Removes comments. `//` after `:` is part of a URL.
  const text = code.replaceAll(/\/\*[\s\S]*?\*\/|(?<!:)\/\/.*/g, "");
  return [...text.matchAll(/\brequestCert\b/g)]
    .map(({ index }) => objectAround(text, index))
    .filter((options) => !protection.test(options + spreadsOf(options, text)));
}

/** Returns the object literal around a position. */
function objectAround(text: string, position: number): string {
  return text.slice(boundary(text, position, -1), boundary(text, position, 1) + 1);
}

/** Returns the position of the next unmatched brace in a direction. */
function boundary(text: string, from: number, step: 1 | -1): number {
  const [outward, inward] = step === 1 ? "}{" : "{}";
  let depth = 0;
  let at = from;
  for (; at >= 0 && at < text.length; at += step) {
    if (text[at] === outward && depth-- === 0) return at;
    if (text[at] === inward) depth += 1;
  }
  return at;
}

/** Returns the object literals that an object literal spreads: `const x = { ... }`, `const x = () => ({ ... })`. */
function spreadsOf(options: string, text: string): string {
  const names = [...options.matchAll(/\.\.\.(\w+)/g)].map(([, name = ""]) => name);
  return names
    .map((name) => new RegExp(`\\bconst ${name} = (?:\\(\\) => \\()?\\{`).exec(text))
    .map((found) => (found === null ? "" : objectAround(text, found.index + found[0].length)))
    .join("");
}

const codeBlocksOf = (page: string): string[] =>
  [...page.matchAll(/^ *```\w*\n([\s\S]*?)^ *```$/gm)].map(([, code = ""]) => code);

const examples = readdirSync("examples", { encoding: "utf8", recursive: true })
  .filter((file) => /\.(?:js|mjs|ts)$/.test(file) && !file.includes("node_modules"))
  .map((file) => join("examples", file));

const sources: readonly (readonly [string, readonly string[]])[] = [
  ...pages().map((page) => [page, codeBlocksOf(readFileSync(page, "utf8"))] as const),
  ...examples.map((file) => [file, [readFileSync(file, "utf8")]] as const),
];
const servers = sources.filter(([, blocks]) => blocks.some((code) => code.includes("requestCert")));

test.each(servers)("the TLS servers of %s reject renegotiation", (_file, blocks) => {
  expect(blocks.flatMap(renegotiatingServers)).toEqual([]);
});

// Node has a default timeout for HTTP/1 connections, but not for HTTP/2 sessions.
const http2Servers = sources.flatMap(([file, blocks]) =>
  blocks.filter((code) => code.includes("createSecureServer(")).map((code) => [file, code] as const),
);

test.each(http2Servers)("the HTTP/2 servers of %s close unused sessions", (_file, code) => {
  expect(code).toMatch(/\.setTimeout\(\w+\);/);
});

// After GOAWAY, the timeout of the session no longer applies.
test.each(http2Servers)(
  "the HTTP/2 servers of %s close connections that clients leave open after GOAWAY",
  (_file, code) => {
    expect(code).toMatch(/\.once\("finish", \(\) => setTimeout\(\(\) => socket\.destroy\(\), \w+\)\.unref\(\)\)/);
  },
);

test("servers were found in pages and in examples", () => {
  const files = servers.map(([file]) => file);
  expect(files).toEqual(expect.arrayContaining(["README.md", "docs/quick-start.md", "examples/http2/server.js"]));
  expect(http2Servers.map(([file]) => file)).toEqual(
    expect.arrayContaining(["docs/quick-start.md", "examples/http2/server.js"]),
  );
});

describe("a server that requests client certificates", () => {
  test.each([
    ["minVersion", 'createServer({ key, requestCert: true, minVersion: "TLSv1.3" }, app);'],
    ["secureOptions", "createServer({ secureOptions: constants.SSL_OP_NO_RENEGOTIATION, requestCert: true }, app);"],
    ["options that it spreads", 'const tls = { minVersion: "TLSv1.3" };\ncreateServer({ ...tls, requestCert: true });'],
    [
      "a function whose options it spreads",
      'const tls = () => ({ crl: [{}], minVersion: "TLSv1.3" });\ncreateServer({ ...tls(), requestCert: true });',
    ],
    ["the kit's options", "createServer({ ...kit.serverOptions, requestCert: true }, app);"],
  ])("rejects renegotiation with %s", (_means, code) => {
    expect(renegotiatingServers(code)).toEqual([]);
  });

  test.each([
    ["neither option", "createServer({ key, requestCert: true }, app);"],
    ["minVersion only in a comment", 'createServer({ // minVersion: "TLSv1.3"\n  requestCert: true });'],
    ["minVersion TLSv1.2", 'createServer({ requestCert: true, minVersion: "TLSv1.2" }, app);'],
    [
      "minVersion only on another server",
      'createServer({ minVersion: "TLSv1.3" });\ncreateServer({ requestCert: true });',
    ],
    [
      "minVersion only in options that it does not spread",
      'const tls = { minVersion: "TLSv1.3" };\nserve({ requestCert: true });',
    ],
    ["requestCert in shorthand notation", "const requestCert = true;\nfastify({ https: { key, requestCert } });"],
  ])("is reported with %s", (_what, code) => {
    expect(renegotiatingServers(code)).not.toEqual([]);
  });
});
