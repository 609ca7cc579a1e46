import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { join } from "node:path";
import { forgeToken, type Identity } from "@certbound/testing";
import { generate } from "selfsigned";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findLeaksOf } from "../../../test/secrecy/leaks.ts";
import type { ThumbprintReport } from "../src/index.ts";
import { createParties, type Parties } from "./parties.ts";
import { explained, type Given, type Run, runCli, runProgram } from "./running.ts";
import { NOW } from "./time.ts";

const MARKER = "UExBTlRFRC1NQVJLRVIt";
const LENGTH = 160_000;

let parties: Parties;
let client: Identity;
/** The options of a correct API, with the client's certificate. */
let options: readonly string[];

beforeAll(async () => {
  parties = await createParties();
  ({ client } = parties);
  const cert = parties.folder.file("client.pem", client.certificate);
  const { issuer, audience } = parties.issuer;
  options = ["--cert", cert, "--issuer", issuer, "--audience", audience, "--jwks", parties.keyFile];
});
afterAll(() => parties.close());

function nested(levels: number, open = "[", close = "]"): string {
  return open.repeat(levels) + close.repeat(levels);
}

function many(count: number): string {
  return `{${Array.from({ length: count }, (_, index) => `"k${index}":1`).join(",")}}`;
}

function base64url(text: string): string {
  return Buffer.from(text).toString("base64url");
}

/** Returns a token with additional JSON text in its header and claims, and the marker as its signature. */
function tokenWith({ header = "", claims = "" }: { readonly header?: string; readonly claims?: string }): string {
  const { issuer, audience } = parties.issuer;
  const cnf = JSON.stringify({ "x5t#S256": client.thumbprint });
  const claimsText = `"iss":"${issuer}","aud":"${audience}","iat":${NOW},"exp":${NOW + 300},"cnf":${cnf}`;
  return (
    [`{"alg":"ES256","typ":"at+jwt"${header}}`, `{${claimsText}${claims}}`].map(base64url).join(".") + `.${MARKER}`
  );
}

/** Asserts that the output is not empty, not too long, and contains no secrets, stack traces or control characters. */
function expectExplanation({ exitCode, stdout, stderr }: Run, secrets: Readonly<Record<string, string>>): void {
  const written = stdout + stderr;
  expect([0, 1, 2]).toContain(exitCode);
  expect(written).not.toBe("");
  expect(written).not.toMatch(/^\s+at |internal error|[^\P{C}\n]/mu);
  expect(findLeaksOf(secrets)(written)).toEqual([]);
  expect(written.length).toBeLessThan(30_000);
}

/** Runs the program with and without --json, and returns the result of the run without --json. */
async function outcomeOf(
  argv: readonly string[],
  { given = {}, secrets = { MARKER } }: { readonly given?: Given; readonly secrets?: Record<string, string> } = {},
): Promise<Run> {
  const json = await runCli([...argv, "--json"], given);
  expectExplanation(json, secrets);
  expect(JSON.parse(json.stdout)).toMatchObject({ exitCode: json.exitCode });
  const text = await runCli(argv, given);
  expectExplanation(text, secrets);
  expect(text.exitCode).toBe(json.exitCode);
  return text;
}

describe("explain with a hostile token", () => {
  test.each<[string, () => string]>([
    ...["aud", "iss", "exp", "nbf", "iat", "scope", "cnf", "sub", "other"].map((name): [string, () => string] => [
      `claim ${name} is nested 5,000 levels deep`,
      () => tokenWith({ claims: `,"${name}":${nested(5000)}` }),
    ]),
    ...["alg", "typ", "kid", "jwk"].map((name): [string, () => string] => [
      `header parameter ${name} is nested 5,000 levels deep`,
      () => tokenWith({ header: `,"${name}":${nested(5000)}` }),
    ]),
    ["aud is nested 100,000 levels deep", () => tokenWith({ claims: `,"aud":${nested(100_000)}` })],
    [
      "iss is an object nested 1,500 levels deep",
      () => tokenWith({ claims: `,"iss":${nested(1500, '{"a":[', "]}")}` }),
    ],
    ["cnf has 100,000 members", () => tokenWith({ claims: `,"cnf":${many(100_000)}` })],
    ["claims have 100,000 members", () => tokenWith({ claims: `,${many(100_000).slice(1, -1)}` })],
    ...["alg", "typ", "kid"].map((name): [string, () => string] => [
      `header has a ${name} that cannot be converted to text`,
      () => tokenWith({ header: `,"${name}":{"toString":1,"valueOf":1}` }),
    ]),
    ...["aud", "iss", "exp", "nbf", "iat", "typ", "scope", "cnf"].map((name): [string, () => string] => [
      `${name} cannot be converted to text`,
      () => tokenWith({ claims: `,"${name}":{"toString":1,"valueOf":1}` }),
    ]),
    ["times are in 1970", () => tokenWith({ claims: ',"iat":1,"nbf":1,"exp":2' })],
    ["times exceed all dates", () => tokenWith({ claims: ',"iat":1e308,"nbf":-1e308,"exp":1e999' })],
    [
      "claims contain terminal escapes",
      () => tokenWith({ claims: ',"iss":"\\u001b[2J\\u009b31m\\u202e","scope":"\\u0007"' }),
    ],
  ])("explains a token whose %s", async (_name, token) => {
    const argv = ["explain", "--token", "-", "--at", String(NOW), "--scope", "read", ...options];
    expect((await outcomeOf(argv, { given: { stdin: token() } })).exitCode).toBe(1);
  });
});

/** Invalid inputs. */
const texts: readonly (readonly [string, string | Uint8Array])[] = [
  ["quotes", '"'.repeat(LENGTH)],
  ["quotes within a word", `x${'"'.repeat(LENGTH)}x`],
  ["backslashes", "\\".repeat(LENGTH)],
  ["control characters", "\u0001\u0007\u009b".repeat(LENGTH / 3)],
  ["terminal escapes", "\u001b[31m".repeat(LENGTH / 5)],
  ["line feeds", "\n".repeat(LENGTH)],
  ["line feeds within a word", `x${"\n".repeat(LENGTH)}x`],
  ["spaces within a word", `x${" ".repeat(LENGTH)}x`],
  ["periods", ".".repeat(LENGTH)],
  ["NUL", "\0".repeat(LENGTH)],
  ["invalid UTF-8", Buffer.alloc(LENGTH, 0xff)],
  ["nested arrays", nested(LENGTH / 2)],
  ["repeated PEM headers", "-----BEGIN CERTIFICATE-----\n".repeat(LENGTH / 28)],
  ["zero bytes", ""],
];

describe.each(texts)("a hostile input of %s", (name, content) => {
  const file = (): string => parties.folder.file("hostile", content);

  test("is explained as a token in linear time", async () => {
    const started = performance.now();
    const { exitCode } = await outcomeOf(["explain", "--token", "-", ...options], { given: { stdin: content } });
    expect(exitCode).toBe(1);
    // Allows for two runs on a busy machine. A run with quotes within a word took 24 s when its time was quadratic.
    expect(performance.now() - started).toBeLessThan(15_000);
  });

  test("is explained as a certificate, a key set and an identity", async () => {
    const token = ["--token", parties.folder.file("token", await parties.issuer.accessToken({ boundTo: client }))];
    expect((await outcomeOf(["explain", ...token, ...options, "--cert", file()])).exitCode).toBe(1);
    expect((await outcomeOf(["explain", ...token, ...options, "--also", file()])).exitCode).toBe(2);
    expect((await outcomeOf(["explain", ...token, ...options, "--ca", file()])).exitCode).toBe(2);
    expect((await outcomeOf(["explain", ...token, ...options, "--jwks", file()])).exitCode).toBe(2);
    expect((await outcomeOf(["thumbprint", file()])).exitCode).toBe(1);
    const url = "https://127.0.0.1:1/";
    expect((await outcomeOf(["check-server", url, ...token, "--cert", file(), "--key", file()])).exitCode).toBe(2);
  });

  test("is explained as a header, an option and a file name", async () => {
    const text = typeof content === "string" ? content : content.toString();
    const token = ["--token", parties.folder.file("token", await parties.issuer.accessToken({ boundTo: client }))];
    const header = ["--header", `ssl-client-cert: a ${text} b`];
    expect((await outcomeOf(["explain", ...token, ...options.slice(2), ...header])).exitCode).toBe(1);
    if (name === "zero bytes") return;
    for (const option of [
      "--profile",
      "--algorithm",
      "--clock-tolerance",
      "--at",
      "--format",
      "--cert",
      "--jwks",
      "--ca",
    ]) {
      expect((await outcomeOf(["explain", ...token, ...options, option, text])).exitCode).toBe(2);
    }
    for (const option of ["--token-type", "--scope", "--audience"]) {
      expect((await outcomeOf(["explain", ...token, ...options, `${option}=${text}`])).exitCode).toBeLessThan(3);
    }
    expect((await outcomeOf([`--${text}`])).exitCode).toBe(2);
    expect((await outcomeOf(["explain", `--${text}`])).exitCode).toBe(2);
    expect((await outcomeOf(["thumbprint", text])).exitCode).toBe(2);
  });
});

describe("a byte order mark", () => {
  /** The note of every accepted token with --cert. */
  const assumption: unknown = expect.stringMatching(/assumes that the server receives the certificate/);

  test("is ignored before a token, and a note names the option", async () => {
    const token = await parties.issuer.accessToken({ boundTo: client });
    const plain = (await explained(token, options)).report;
    const marked = (await explained(`\ufeff${token}`, options)).report;
    expect(plain).toMatchObject({ accepted: true, notes: [assumption] });
    expect(marked).toMatchObject({
      accepted: true,
      notes: [expect.stringMatching(/--token .*byte order mark/), assumption],
    });
  });

  test("is ignored before a key set, and a note names the option", async () => {
    const token = await parties.issuer.accessToken({ boundTo: client });
    const file = parties.folder.file("marked.json", `\ufeff${JSON.stringify(parties.issuer.jwks)}`);
    expect((await explained(token, [...options, "--jwks", file])).report).toMatchObject({
      accepted: true,
      notes: [expect.stringMatching(/--jwks .*byte order mark/), assumption],
    });
  });

  test("is ignored before a certificate", async () => {
    const { stdout } = await runCli(["thumbprint", "-"], { stdin: `\ufeff${client.certificate}` });
    expect(stdout).toContain(client.thumbprint);
  });

  test("is rejected if it occurs twice", async () => {
    const token = await parties.issuer.accessToken({ boundTo: client });
    expect((await explained(`\ufeff\ufeff${token}`, options)).report.answer.code).toBe("ERR_TOKEN_MALFORMED");
  });
});

describe("explain with an unusual certificate", () => {
  /** Overwrites bytes of the client's certificate, whose signature is not verified. */
  function patched(from: Buffer, to: string): Buffer {
    const der = Buffer.from(client.der);
    der.write(to, der.indexOf(from), "latin1");
    return der;
  }

  /** The start of a DER-encoded UTCTime (RFC 5280 section 4.1.2.5.1). */
  const utcTime = Buffer.from([0x17, 13]);

  async function explanationOf(der: Uint8Array): Promise<Run> {
    const token = await parties.issuer.accessToken({ boundTo: parties.stranger });
    const cert = parties.folder.file("patched.der", der);
    return outcomeOf(["explain", "--token", "-", ...options, "--cert", cert], { given: { stdin: token } });
  }

  test.each(["999999999999Z", "\u001b[31mxxxxxxxx", "             "])(
    "shows an unreadable start date: %j",
    async (date) => {
      const der = patched(utcTime, `\u0017\u000d${date}`);
      const { certificates } = JSON.parse(
        (await runCli(["thumbprint", "-", "--json"], { stdin: der })).stdout,
      ) as ThumbprintReport;
      expect(certificates[0]).toMatchObject({
        validFrom: "unreadable (Bad time value)",
        validTo: new Date(new X509Certificate(client.der).validTo).toISOString(),
      });
      expect((await explanationOf(der)).stdout).toContain("ERR_BINDING_MISMATCH");
    },
  );

  test("shows an unreadable end date", async () => {
    const der = Buffer.from(client.der);
    der.write("999999999999Z", der.indexOf(utcTime, der.indexOf(utcTime) + 1) + 2, "latin1");
    const { exitCode, stdout } = await explanationOf(der);
    expect({ exitCode, stdout }).toEqual({
      exitCode: 1,
      stdout: expect.stringContaining("valid until unreadable (Bad time value)"),
    });
  });

  test("explains a certificate with a public key of an unknown type", async () => {
    // Replaces id-ecPublicKey by an unassigned object identifier.
    const der = patched(
      Buffer.from("06072a8648ce3d0201", "hex"),
      Buffer.from("06072a8648ce3d0209", "hex").toString("latin1"),
    );
    expect(() => new X509Certificate(der).publicKey).toThrow(/decode error/);
    const { exitCode, stdout } = await explanationOf(der);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: expect.stringContaining("ERR_BINDING_MISMATCH") });
    const also = parties.folder.file("also.pem", parties.stranger.certificate);
    const token = await parties.issuer.accessToken({ boundTo: parties.stranger });
    const cert = parties.folder.file("patched.der", der);
    await outcomeOf(["explain", "--token", "-", ...options, "--cert", cert, "--also", also], {
      given: { stdin: token },
    });
  });

  test("explains a certificate without a subject", async () => {
    const { cert } = await generate([], { keyType: "ec", curve: "P-256" });
    const bare = new X509Certificate(cert);
    expect(bare.subject).toBeUndefined();
    expect((await runCli(["thumbprint", "-"], { stdin: cert })).stdout).toMatch(/subject +\(empty\)/);
    expect((await explanationOf(bare.raw)).stdout).toContain("(empty)");
  });

  test("presents a certificate without a subject, or with a long one, to a server", async () => {
    for (const value of ["", "x".repeat(60_000)]) {
      const names = value === "" ? [] : [{ shortName: "CN", value }];
      const { cert, private: key } = await generate(names, { keyType: "ec", curve: "P-256" });
      const identity = [
        "--cert",
        parties.folder.file("own.pem", cert),
        "--key",
        parties.folder.file("own-key.pem", key),
      ];
      const { exitCode, stdout } = await runCli(
        ["check-server", `${parties.closed.replace("http:", "https:")}/`, "--token", "-", ...identity],
        { stdin: "a.b.c2ln" },
      );
      expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: expect.stringContaining("ECONNREFUSED") });
    }
  });
});

describe("the file of an option", () => {
  const names: readonly (readonly [string, () => string, string])[] = [
    ["a directory", () => parties.folder.path, "EISDIR"],
    ["an endless device", () => "/dev/zero", "longer than"],
    ["a path that is too long", () => "x".repeat(5000), "ENAMETOOLONG"],
    ["a path below a file", () => join(parties.keyFile, "x"), "ENOTDIR"],
    ["missing", () => "/nowhere", "ENOENT"],
    // The first page of memory is not mapped.
    ["an unreadable file", () => "/proc/self/mem", "EIO"],
  ];

  test.each(names)("is rejected if it is %s", async (_name, path, reason) => {
    const { stderr } = await outcomeOf(["explain", "--token", "-", ...options, "--cert", path()], {
      given: { stdin: "a.b.c" },
    });
    expect(stderr).toContain(reason);
    expect(
      (await outcomeOf(["explain", "--token", "-", ...options, "--jwks", path()], { given: { stdin: "a.b.c" } }))
        .exitCode,
    ).toBe(2);
    expect((await outcomeOf(["explain", "--token", path(), ...options])).exitCode).toBe(2);
    expect((await outcomeOf(["thumbprint", path()])).exitCode).toBe(2);
  });

  test("can be standard input for two options", async () => {
    const twice = ["explain", "--token", "-", ...options, "--jwks", "-"];
    expectExplanation(await runProgram(twice, { stdin: `a.${MARKER}.b` }), { MARKER });
  });
});

describe("the output for a secret on the command line", () => {
  test.each<[string, () => readonly string[]]>([
    ["a command", () => [MARKER]],
    ["an option", () => [`--${MARKER}`]],
    ["an option of explain", () => ["explain", `--${MARKER}_1`]],
    ["an argument of explain", () => ["explain", MARKER]],
    ["the value of an option", () => ["explain", "--token", MARKER, ...options]],
    ["the password of an issuer", () => ["explain", "--token", "-", ...options, "--issuer", address]],
    ["the password of a key set", () => ["explain", "--token", "-", ...options, "--jwks", address]],
    ["the password of an API", () => ["check-server", address, "--token", "-", ...identity()]],
  ])("does not contain %s", async (_name, argv) => {
    expect((await outcomeOf(argv(), { given: { stdin: "a.b.c2ln" } })).exitCode).toBe(2);
  });

  const address = `https://user:${MARKER}@127.0.0.1:1/`;

  function identity(): readonly string[] {
    const { certificate, key } = client;
    return ["--cert", parties.folder.file("own.pem", certificate), "--key", parties.folder.file("own-key.pem", key)];
  }

  test("contains a URL without a password", async () => {
    const argv = ["check-server", "https://127.0.0.1:1/", "--token", "-", ...identity()];
    expect(await runCli(argv, { stdin: "a.b.c2ln" })).toMatchObject({
      exitCode: 3,
      stdout: expect.stringContaining("https://127.0.0.1:1/"),
    });
  });

  test("contains the name of an unknown option", async () => {
    expect((await outcomeOf(["explain", "--tokens", MARKER])).stderr).toBe("certbound: Unknown option '--tokens'\n");
    expect((await outcomeOf(["explain", "--token"])).stderr).toBe(
      "certbound: Option '--token <value>' argument missing\n",
    );
  });
});

test("explain reports the signature of a forged token with the right certificate", async () => {
  // Proves that the tokens above are well-formed: only the signature is wrong.
  const token = forgeToken({
    header: { alg: "ES256", typ: "at+jwt" },
    payload: JSON.parse(Buffer.from(tokenWith({}).split(".")[1] ?? "", "base64url").toString()) as Record<
      string,
      unknown
    >,
    key: generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey,
  });
  expect((await explained(token, options)).report.answer.code).toBe("ERR_TOKEN_SIGNATURE");
});
