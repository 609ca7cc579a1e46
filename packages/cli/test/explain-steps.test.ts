import { createServer } from "node:http";
import { setImmediate } from "node:timers/promises";
import { type AccessTokenError, createVerifier } from "@certbound/core";
import { createIssuer, startServer, tamperSignature } from "@certbound/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ExplainedStep, ExplainReport } from "../src/index.ts";
import { inputsOf } from "./broken-setups.ts";
import { createParties, type Parties } from "./parties.ts";
import { explained, runCli } from "./running.ts";
import { clock } from "./time.ts";

let parties: Parties;
/** The options of a correct API, with the client's certificate. */
let argv: readonly string[];
beforeAll(async () => {
  parties = await createParties();
  ({ argv } = await inputsOf(parties, {}));
});
afterAll(() => parties.close());

/** Returns one character for the status of each step. */
function marks({ steps }: ExplainReport): string {
  return steps.map(({ status }) => ({ passed: "+", failed: "x", unknown: "-" })[status]).join("");
}

function failures({ steps }: ExplainReport): readonly (string | undefined)[] {
  return steps.filter(({ status }) => status === "failed").map(({ cause }) => cause);
}

describe("the steps of explain", () => {
  test("all pass for a valid token, except requirements that are not given", async () => {
    const token = await parties.issuer.accessToken({ boundTo: parties.client });
    expect(marks((await explained(token, argv)).report)).toBe("+++++++++++-");
    expect(marks((await explained(token, [...argv, "--scope", "read"])).report)).toBe("++++++++++++");
  });

  test("include the note that explain assumes that the server receives the certificate of the file", async () => {
    const token = await parties.issuer.accessToken({ boundTo: parties.client });
    const { report } = await explained(token, argv);
    expect(report.notes).toEqual([
      expect.stringMatching(/assumes that the server receives .*requestCert: true.*proxy/),
    ]);
    const { stdout } = await runCli(["explain", "--token", "-", ...argv], { stdin: token });
    expect(stdout).toMatch(/\naccepted\nnote: explain assumes .*requestCert: true/);
    const stolen = await parties.issuer.accessToken({ boundTo: parties.stranger });
    expect((await explained(stolen, argv)).report.notes).toEqual([]);
  });

  test("include all steps after the binding for a token with a nonce, as Keycloak issues it", async () => {
    const options = { header: { typ: "JWT" }, claims: { nonce: "n-0S6" } };
    const stolen = await parties.issuer.accessToken({ ...options, boundTo: parties.stranger });
    const withScope = [...argv, "--scope", "write"];
    expect(marks((await explained(stolen, withScope)).report)).toBe("++++++++x++x");
    expect(marks((await explained(tamperSignature(stolen), withScope)).report)).toBe("++++++++x+x-");
    const withoutCertificate = argv.filter((text, index) => text !== "--cert" && argv[index - 1] !== "--cert");
    const none = [...withoutCertificate, "--no-certificate"];
    expect(marks((await explained(stolen, none)).report)).toBe("+++++++x-++-");
    const cnf = { "x5t#S256": parties.stranger.thumbprint, jkt: "A".repeat(43) };
    const boundTwice = await parties.issuer.accessToken({ ...options, claims: { ...options.claims, cnf } });
    const { report } = await explained(boundTwice, none);
    expect(failures(report)).toEqual(["no-certificate-presented", "bound-by-both"]);
  });

  test("show the details of core without the suffix about the signature, which has its own step", async () => {
    const token = await parties.issuer.accessToken({ boundTo: parties.stranger, claims: { aud: "https://other" } });
    const { report, stdout } = await explained(token, argv);
    const failed = report.steps.filter(({ status }) => status === "failed");
    expect(failed.map(({ detail }) => detail)).toEqual([
      expect.stringMatching(/^aud contains none of .*\(token for another API\?\)$/),
      expect.stringMatching(/^certificate thumbprint does not match .*\(stolen token, or renewed certificate\?\)$/),
    ]);
    expect(stdout).not.toContain("signature was not verified");
    expect(report.steps.find(({ step }) => step === "signature")).toMatchObject({ status: "passed" });
  });

  test.each([
    ["--also names no other certificate", -60],
    ["the certificate is newer than the token", -3 * 24 * 3600],
  ])("suggest a new token with the current certificate after a mismatch if %s", async (_when, age) => {
    const iat = Math.floor(clock() / 1000) + age;
    const token = await parties.issuer.accessToken({ boundTo: parties.stranger, claims: { iat } });
    const { report } = await explained(token, argv);
    const failed = report.steps.find(({ status }) => status === "failed");
    expect(failed).toMatchObject({
      code: "ERR_BINDING_MISMATCH",
      fix: expect.stringContaining("get a new token with its current certificate"),
    });
  });

  test("show all errors, and mark the one that the API responds with", async () => {
    const wrongClaims = { iss: `${parties.issuer.issuer}/`, aud: "https://other.example" };
    const issued = await parties.issuer.accessToken({
      boundTo: parties.stranger,
      header: { typ: "acme+jwt" },
      claims: wrongClaims,
      expiresIn: -3600,
    });
    const token = tamperSignature(issued);
    const { report } = await explained(token, [...argv, "--scope", "admin"]);
    expect(failures(report)).toEqual([
      "type-not-accepted",
      "issuer-trailing-slash",
      "audience-other",
      "token-expired",
      "other-certificate",
      "signature-wrong",
    ]);
    expect(marks(report)).toBe("++xxxx++x+x-");
    expect(report.steps.filter(({ first }) => first === true).map(({ step }) => step)).toEqual(["type"]);
    const untampered = await explained(issued, [...argv, "--scope", "admin"]);
    expect(marks(untampered.report)).toBe("++xxxx++x++x");
  });

  test("name the scopes that the token does not have", async () => {
    const token = await parties.issuer.accessToken({ boundTo: parties.client });
    const { report } = await explained(token, [...argv, "--scope", "read write admin"]);
    expect(report.steps.at(-1)?.reason).toBe("the token does not contain every required scope; missing: write, admin");
  });

  test("report the same error code as the verifier of core", async () => {
    const { issuer, client } = parties;
    const verifier = createVerifier({
      issuer: issuer.issuer,
      audience: issuer.audience,
      jwks: { keys: issuer.jwks.keys },
    });
    const claims = [
      { iss: "x" },
      { aud: "x" },
      { exp: 1 },
      { nbf: 4_000_000_000, exp: 4_000_000_001 },
      { jti: 1 },
      { cnf: {} },
    ];
    for (const changed of claims) {
      const token = await issuer.accessToken({ boundTo: client, claims: changed });
      const rejection = verifier.verify(token, { clientCertificate: client.certificate });
      const { code } = (await rejection.catch((error: unknown) => error)) as AccessTokenError;
      expect(code).toMatch(/^ERR_/);
      expect((await explained(token, argv)).report.answer).toEqual({ status: 401, code });
    }
  });

  test("show the binding even if an earlier check cannot be disabled", async () => {
    const token = await parties.issuer.accessToken({ boundTo: parties.stranger, claims: { exp: undefined } });
    const { report } = await explained(token, argv);
    expect(failures(report)).toEqual(["expiry-missing", "other-certificate"]);
    const bound = await parties.issuer.accessToken({ boundTo: parties.client, claims: { exp: undefined } });
    expect(marks((await explained(bound, argv)).report)).toBe("+++++-x++---");
    for (const claims of [{ exp: "soon" }, { iat: Date.now() }]) {
      const untimely = await parties.issuer.accessToken({ boundTo: parties.client, claims });
      expect(marks((await explained(untimely, argv)).report)).toBe("+++++-x++---");
    }
    const timely = await parties.issuer.accessToken({ boundTo: parties.client, claims: { sub: 1 } });
    expect(marks((await explained(timely, argv)).report)).toBe("++++++x++---");
  });

  test("check the syntax of cnf without a certificate", async () => {
    const [{ argv: without }, unbound] = await Promise.all([
      inputsOf(parties, { presents: ["--no-certificate"] }),
      parties.issuer.accessToken(),
    ]);
    expect(failures((await explained(unbound, without)).report)).toEqual(["no-certificate-presented", "token-unbound"]);
    const bound = await parties.issuer.accessToken({ boundTo: parties.client });
    expect(failures((await explained(bound, without)).report)).toEqual(["no-certificate-presented"]);
  });

  test("note that the requirements of a disabled profile were not checked", async () => {
    const token = await parties.issuer.accessToken({ boundTo: parties.client, header: { typ: "JWT" } });
    const { report } = await explained(token, [...argv, "--profile", "rfc9068"]);
    expect(marks(report)).toBe("++x+++-++++-");
    expect(report.notes).toContainEqual(expect.stringContaining("profile"));
  });

  test("show the steps after an error under the profile fapi2", async () => {
    const token = await parties.issuer.accessToken({ boundTo: parties.stranger });
    const profile = ["--profile", "fapi2", "--max-token-age", "600"];
    expect(marks((await explained(token, [...argv, ...profile])).report)).toBe("++++++++x++-");
    const bound = await parties.issuer.accessToken({ boundTo: parties.client });
    expect((await explained(bound, [...argv, ...profile])).report.accepted).toBe(true);
  });

  test("keep the token types and the clock tolerance of a disabled profile", async () => {
    const { issuer, client } = parties;
    const generic = await issuer.accessToken({ boundTo: client, header: { typ: "JWT" }, expiresIn: -7 });
    const profile = ["--profile", "fapi2", "--max-token-age", "600", "--algorithm", "PS256"];
    const { report } = await explained(generic, [...argv, ...profile]);
    expect(failures(report)).toEqual(["algorithm-not-configured", "type-generic"]);
    expect(marks(report)).toBe("+xx++--++++-");
    const other = await issuer.accessToken({ boundTo: client, header: { alg: "RS256", typ: "JWT" } });
    expect(
      failures((await explained(other, [...argv, "--profile", "fapi2", "--max-token-age", "600"])).report),
    ).toEqual(["algorithm-not-configured", "type-generic", "key-of-other-algorithm"]);
  });

  test("fetch the keys of the issuer exactly once, whether core needs them or not", async () => {
    const issuer = await createIssuer({ clock });
    const certificate = ["--cert", parties.folder.file("client.pem", parties.client.certificate)];
    const asking = ["--issuer", issuer.issuer, "--audience", issuer.audience, ...certificate];
    for (const [claims, shown] of [
      [{}, "+++++++++++-"],
      [{ exp: 1_100_000_000 }, "+++++x+++++-"],
      [{ cnf: undefined }, "++++++++x++-"],
    ] as const) {
      const before = issuer.requests.length;
      const { report } = await explained(await issuer.accessToken({ boundTo: parties.client, claims }), asking);
      expect(marks(report)).toBe(shown);
      expect(issuer.requests.slice(before)).toEqual(["/.well-known/oauth-authorization-server", "/jwks"]);
    }
    await issuer.close();
  });

  test("do not repeat a failed request to the issuer", async () => {
    const { renamed: failing } = parties;
    const { argv: asking } = await inputsOf(parties, { issuer: ["--issuer", failing.jwksUri.origin] });
    const token = await parties.issuer.accessToken({
      boundTo: parties.client,
      claims: { iss: failing.jwksUri.origin },
    });
    expect((await explained(token, asking)).exitCode).toBe(3);
    expect(failing.requests).toEqual(["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"]);
  });

  test("show the failed request to the issuer together with the first error", async () => {
    const { argv: unreachable } = await inputsOf(parties, {
      issuer: ["--issuer", parties.issuer.issuer, "--jwks", `${parties.closed}/jwks`],
    });
    const token = await parties.issuer.accessToken({ boundTo: parties.client, expiresIn: -3600 });
    const { report, exitCode } = await explained(token, unreachable);
    expect(failures(report)).toEqual(["token-expired", "issuer-connection-refused"]);
    expect(exitCode).toBe(1);
    const endless = await parties.issuer.accessToken({ boundTo: parties.client, claims: { exp: undefined } });
    expect(failures((await explained(endless, unreachable)).report)).toEqual([
      "expiry-missing",
      "issuer-connection-refused",
    ]);
  });
});

describe("explain with members of cnf next to x5t#S256", () => {
  const others = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`other-${index}`, "x"]));

  async function bindingStep(confirmation: object): Promise<ExplainedStep | undefined> {
    const cnf = { ...confirmation, "x5t#S256": parties.client.thumbprint };
    const { report } = await explained(await parties.issuer.accessToken({ claims: { cnf } }), argv);
    return report.steps.find(({ step }) => step === "binding");
  }

  test.each([
    ["jkt", "bound-by-both"],
    ["jwk", "bound-by-second-key"],
    ["jwe", "bound-by-second-key"],
    ["jku", "bound-by-second-key"],
  ])("explains a second key as core does: %s", async (member, cause) => {
    for (const confirmation of [{ [member]: "x" }, { ...others, [member]: "x" }]) {
      expect(await bindingStep(confirmation)).toMatchObject({
        status: "failed",
        code: "ERR_BINDING_UNSUPPORTED",
        detail: expect.stringContaining(`cnf has ${member} next to x5t#S256`),
        cause,
        reason: expect.stringContaining(member),
        expected: expect.stringContaining("no jkt, jwk, jwe or jku"),
        seen: expect.stringMatching(new RegExp(`\\b${member}\\b`)),
      });
    }
  });

  test.each([
    ["jwk", "jku"],
    ["jkt", "jwe"],
  ])("names the members in the order of core: %s before %s", async (first, second) => {
    const step = await bindingStep({ [second]: "x", [first]: "x" });
    expect(step).toMatchObject({
      detail: expect.stringContaining(`cnf has ${first} next to`),
      reason: expect.stringContaining(first),
    });
    expect(step?.reason).not.toContain(second);
  });

  test("ignores members that do not name a key, as core does", async () => {
    const step = await bindingStep({ ...others, kid: "key-1", x5u: "https://a.example/x5u", JWK: {} });
    expect(step).toMatchObject({ status: "passed" });
    expect(step?.expected).not.toContain("jwk");
  });
});

describe("explain with a hostile token", () => {
  test("fetches nothing from a URL in the token", async () => {
    const requests: (string | undefined)[] = [];
    const attacker = await startServer(
      createServer((request, response) => {
        requests.push(request.url);
        response.end("{}");
      }),
    );
    const header = { jku: `${attacker.url}/jwks`, x5u: `${attacker.url}/x5u` };
    const token = await parties.issuer.accessToken({ boundTo: parties.client, header, claims: { iss: attacker.url } });
    const { argv: discovering } = await inputsOf(parties, { issuer: ["--issuer", parties.issuer.issuer] });
    const { report } = await explained(token, discovering);
    await setImmediate();
    await attacker.close();
    expect(failures(report)).toEqual(["issuer-other"]);
    expect(marks(report)).toBe("+++x+++++++-");
    expect(requests).toEqual([]);
  });

  test("escapes control characters and bidirectional controls", async () => {
    const evil = "\u001b]0;pwned\u0007\u001b[2J\u009b31m\u202e\u2066\u200b\r\n";
    const token = await parties.issuer.accessToken({
      boundTo: parties.client,
      header: { typ: evil, kid: evil },
      claims: { iss: evil, aud: [evil], scope: evil, exp: evil, cnf: { jkt: evil, [evil]: 1 } },
    });
    for (const json of [[], ["--json"]]) {
      const { stdout } = await runCli(["explain", "--token", "-", ...argv, "--scope", "read", ...json], {
        stdin: token,
      });
      expect(stdout.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Cf}]/u);
      expect(stdout).toContain("u{1b}");
    }
  });

  test("limits the length of the output", async () => {
    const token = await parties.issuer.accessToken({
      boundTo: parties.client,
      claims: { aud: Array.from({ length: 1000 }, () => "x"), iss: "y".repeat(5000) },
    });
    const { stdout } = await runCli(["explain", "--token", "-", ...argv], { stdin: token });
    expect(stdout.length).toBeLessThan(6000);
  });

  test("does not show a key in cnf", async () => {
    const token = await parties.issuer.accessToken({
      claims: { cnf: { jwk: { kty: "oct", k: "secret-key-material" } } },
    });
    const { stdout } = await runCli(["explain", "--token", "-", ...argv], { stdin: token });
    expect(stdout).toContain("cnf jwk");
    expect(stdout).not.toContain("secret-key-material");
  });
});

describe("the argument parser of explain", () => {
  test("reads a token from a file, and removes one line feed at the end", async () => {
    const token = await parties.issuer.accessToken({ boundTo: parties.client });
    const [good, bad] = [`${token}\n`, `${token}\n\n`].map((text, index) =>
      parties.folder.file(`token-${index}`, text),
    );
    expect((await runCli(["explain", "--token", good ?? "", ...argv])).exitCode).toBe(0);
    expect((await runCli(["explain", "--token", bad ?? "", ...argv])).exitCode).toBe(1);
  });

  test("rejects a token on the command line, explains why, and does not repeat it", async () => {
    const token = await parties.issuer.accessToken({ boundTo: parties.client });
    for (const given of [["--token", token], [token], [`--token=${token}`], [`--tokn=${token}`]]) {
      const { exitCode, stderr, stdout } = await runCli(["explain", ...argv, ...given]);
      expect(exitCode).toBe(2);
      expect(stderr).toMatch(/history|--token FILE|--tokn/);
      expect(stderr + stdout).not.toContain(token.slice(0, 30));
    }
  });

  test("verifies as of the time of --at", async () => {
    const token = await parties.issuer.accessToken({
      boundTo: parties.client,
      claims: { iat: 1_700_000_000, exp: 1_700_000_300 },
    });
    for (const at of ["1700000200", "2023-11-14T22:16:40Z"]) {
      expect((await explained(token, [...argv, "--at", at])).exitCode).toBe(0);
    }
    expect((await explained(token, [...argv, "--at", "1700000400"])).exitCode).toBe(1);
    expect((await runCli(["explain", "--token", "-", ...argv, "--at", "yesterday"])).exitCode).toBe(2);
  });

  test("reads the environment if neither issuer nor key set is given", async () => {
    const token = await parties.issuer.accessToken({ boundTo: parties.client });
    const { issuer, audience, jwksUri } = parties.issuer;
    const certificate = ["--cert", parties.folder.file("client.pem", parties.client.certificate)];
    const env = {
      CERTBOUND_ISSUER: issuer,
      CERTBOUND_AUDIENCE: `https://x.example, ${audience}`,
      CERTBOUND_JWKS_URI: jwksUri.href,
    };
    const from = ["explain", "--token", "-", ...certificate];
    expect((await runCli(from, { stdin: token, env })).exitCode).toBe(0);
    expect(
      (await runCli(from, { stdin: token, env: { ...env, CERTBOUND_AUDIENCE: "https://x.example" } })).exitCode,
    ).toBe(1);
    expect((await runCli([...from, "--issuer", issuer], { stdin: token, env })).exitCode).toBe(2);
    expect((await runCli([...from, "--jwks", parties.keyFile], { stdin: token, env })).exitCode).toBe(2);
    expect((await runCli([...from, "--issuer", issuer, "--no-audience"], { stdin: token, env })).exitCode).toBe(0);
  });

  test.each([
    ["--colour", ["--colour"]],
    ["--profile", ["--profile", "strict"]],
    ["profile", ["--profile", "fapi2"]],
    ["--clock-tolerance", ["--clock-tolerance", "5s"]],
    ["--format", ["--header", "x: y", "--format", "apach"]],
    ["--format-options", ["--header", "x: y", "--format", "nginx", "--format-options", '{"verfy":1}']],
    ["--format-options", ["--header", "x: y", "--format", "nginx", "--format-options", "[]"]],
    ["--format-options", ["--format-options", "{}"]],
    ["--header", ["--header", "no colon"]],
    ["--no-certificate", ["--no-certificate"]],
    ["--no-audience", ["--no-audience"]],
    ["--also", ["--also", "/dev/null"]],
    ["--ca", ["--ca", "/nowhere/ca.pem"]],
    ["--ca", ["--ca", "/dev/null"]],
    ["only one", ["--cert", "-"]],
    ["--token-type", ["--token-type"]],
    ["algorithms", ["--algorithm", "HS256"]],
    ["--max-token-age", ["--max-token-age", "-1"]],
    ["--jwks", ["--jwks", "/dev/null"]],
    ["--cert", ["--cert"]],
  ])("rejects an invalid option with an error that contains %j", async (named, more) => {
    const { exitCode, stderr } = await runCli(["explain", "--token", "-", ...argv, ...more], { stdin: "x" });
    expect({ exitCode, stderr }).toEqual({
      exitCode: 2,
      stderr: expect.stringContaining(named.replace("--profile", "profile")),
    });
  });
});

describe("a usage error of explain", () => {
  async function usageError(
    parameters: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    const run = await runCli(["explain", "--token", "-", ...parameters], { stdin: "x", env });
    expect(run).toMatchObject({ exitCode: 2, stdout: "" });
    return run.stderr;
  }

  test("begins with the name of the program once, also if the error is core's", async () => {
    const given = ["--no-certificate", "--issuer", "https://a.example", "--audience", "x", "--profile", "strict"];
    expect(await usageError(given)).toMatch(/^certbound: option "profile" in /);
  });

  test.each(["--issuer", "--audience", "--jwks", "--cert", "--also", "--scope", "--token", "--at"])(
    "states that the value of %s is empty",
    async (option) => {
      expect(await usageError([...argv, option, ""])).toMatch(
        new RegExp(`^certbound: ${option} is empty \\(.*variable.*\\)\n$`),
      );
    },
  );

  test("states that an argument is empty", async () => {
    expect(await usageError([...argv, ""])).toMatch(/^certbound: an argument is empty/);
  });

  test.each([
    ["a missing issuer", {}, /^certbound: --issuer is required.*CERTBOUND_ISSUER/],
    ["an empty CERTBOUND_ISSUER", { CERTBOUND_ISSUER: "" }, /--issuer is required.*CERTBOUND_ISSUER, which is empty/],
    [
      "a missing audience",
      { CERTBOUND_ISSUER: "https://a.example" },
      /^certbound: --audience is required.*CERTBOUND_AUDIENCE.*--no-audience/,
    ],
    [
      "an empty CERTBOUND_AUDIENCE",
      { CERTBOUND_ISSUER: "https://a.example", CERTBOUND_AUDIENCE: "" },
      /--audience is required.*CERTBOUND_AUDIENCE, which is empty/,
    ],
  ])("names the option and the variable for %s", async (_what, env, message) => {
    expect(await usageError(["--no-certificate"], env as Readonly<Record<string, string>>)).toMatch(message);
  });

  test("does not name variables that explain does not read next to --issuer or --jwks", async () => {
    expect(await usageError(["--no-certificate", "--issuer", "https://a.example"])).toBe(
      "certbound: --audience is required; to skip the audience check, pass --no-audience\n",
    );
    expect(await usageError(["--no-certificate", "--jwks", parties.keyFile])).toBe(
      "certbound: --jwks requires --issuer\n",
    );
  });
});

describe("explain with a header and without --format", () => {
  const pem = (): string => encodeURIComponent(parties.client.certificate);
  const der = (): string => Buffer.from(parties.client.der).toString("base64");
  test.each([
    ["nginx()", () => [`ssl-client-cert: ${pem()}`, "ssl-client-verify: SUCCESS"]],
    ["haproxy()", () => [`X-SSL-Client-DER: ${der()}`, "X-SSL-Client-Verify: 0"]],
    ["traefik()", () => [`X-Forwarded-Tls-Client-Cert: ${der()}`]],
    ["rfc9440()", () => [`Client-Cert: :${der()}:`]],
    ["cloudFoundry()", () => [`X-Forwarded-Client-Cert: ${der()}`]],
    ['forwardedHeader({ header: "x-own", encoding: "pem-urlencoded" })', () => [`X-Own: ${pem()}`]],
    ['forwardedHeader({ header: "x-own", encoding: "der-base64" })', () => [`X-Own: ${der()}`]],
    [
      'caddy({ encoding: "sha256-hex" })',
      () => [`X-Client-Cert-Sha256: ${Buffer.from(parties.client.thumbprint, "base64url").toString("hex")}`],
    ],
  ])("guesses the format %s", async (code, headers) => {
    const present = (lines: readonly string[]) =>
      inputsOf(parties, { presents: lines.flatMap((line) => ["--header", line]) });
    const { token, argv: guessing } = await present(headers());
    const { report } = await explained(token, guessing);
    expect(report.accepted).toBe(true);
    expect(report.certificate.configure).toBe(`fromProxy(${code}, { trust })`);
    expect(report.notes).toContainEqual(expect.stringContaining("guessed"));
    const stolen = await parties.issuer.accessToken({ boundTo: parties.stranger });
    expect((await explained(stolen, guessing)).report.answer.code).toBe("ERR_BINDING_MISMATCH");
  });

  test("compares the header with the certificate of --cert", async () => {
    const { argv: both } = await inputsOf(parties, {
      presents: ["--header", `Client-Cert: :${Buffer.from(parties.stranger.der).toString("base64")}:`],
      more: ["--cert", parties.folder.file("client.pem", parties.client.certificate)],
    });
    const token = await parties.issuer.accessToken({ boundTo: parties.client });
    expect(failures((await explained(token, both)).report)).toEqual(["other-named-certificate"]);
  });
});
