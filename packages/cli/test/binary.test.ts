import { generateKeyPairSync } from "node:crypto";
import { cpSync, readFileSync } from "node:fs";
import { createServer } from "node:https";
import { certificateThumbprint } from "@certbound/core";
import { createCertificateAuthority, forgeToken, startServer } from "@certbound/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createFolder, type Folder, type Run, runProgram } from "./running.ts";

/** The outputs that the README shows, and their certificates. */
const shown = new URL("output/", import.meta.url);

let folder: Folder;
beforeAll(() => {
  folder = createFolder();
  for (const name of ["old.pem", "client.pem"]) cpSync(new URL(name, shown), `${folder.path}/${name}`);
});
afterAll(() => folder.remove());

/** Runs the built program in the temporary folder. */
function certbound(parameters: readonly string[], stdin = ""): Promise<Run> {
  return runProgram(parameters, { stdin, cwd: folder.path });
}

test("explain prints the output in the README", async () => {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  folder.file(
    "jwks.json",
    JSON.stringify({ keys: [{ ...publicKey.export({ format: "jwk" }), kid: "2026-05", use: "sig" }] }),
  );
  const token = forgeToken({
    header: { alg: "ES256", typ: "at+jwt", kid: "2026-05" },
    payload: {
      iss: "https://auth.example.com",
      aud: "https://api.example.com/",
      iat: Date.parse("2026-05-04T12:00:00Z") / 1000,
      exp: Date.parse("2026-05-04T12:05:00Z") / 1000,
      client_id: "client-1",
      scope: "read",
      cnf: { "x5t#S256": certificateThumbprint(readFileSync(new URL("old.pem", shown), "utf8")) },
    },
    key: privateKey,
  });
  const described = "--cert client.pem --also old.pem --scope read --jwks jwks.json --at 2026-05-04T12:02:00Z";
  const parties = "--issuer https://auth.example.com --audience https://api.example.com";
  const parameters = `explain --token - ${described} ${parties}`.split(" ");
  const { stdout, ...rest } = await certbound(parameters, token);
  expect(rest).toEqual({ exitCode: 1, stderr: "" });
  await expect(stdout).toMatchFileSnapshot("output/explain.txt");
  const repaired = parameters.map((word) =>
    word === "client.pem" ? "old.pem" : word.replace("api.example.com", "api.example.com/"),
  );
  expect((await certbound(repaired, token)).exitCode).toBe(0);
});

test("thumbprint prints the output in the README", async () => {
  const { stdout, ...rest } = await certbound(["thumbprint", "client.pem", "--all"]);
  expect(rest).toEqual({ exitCode: 0, stderr: "" });
  await expect(stdout).toMatchFileSnapshot("output/thumbprint.txt");
});

test("check-server prints the output in the README for an API that fails open", async () => {
  const ca = await createCertificateAuthority();
  const [server, client] = await Promise.all([ca.issueServerCertificate(), ca.issueClientCertificate()]);
  const tls = { cert: server.certificate, key: server.key, requestCert: true, rejectUnauthorized: false };
  // Compares the token as a string, and checks nothing else.
  const api = await startServer(
    createServer(tls, ({ headers }, response) => {
      const isAccepted = headers.authorization === "Bearer a.b.c2ln";
      response.writeHead(isAccepted ? 200 : 401, isAccepted ? {} : { "www-authenticate": "Bearer" }).end();
    }),
  );
  folder.file("ca.pem", ca.certificate);
  folder.file("own.pem", client.certificate);
  folder.file("own-key.pem", client.key);
  const identity = ["--cert", "own.pem", "--key", "own-key.pem", "--ca", "ca.pem"];
  const { exitCode, stdout } = await certbound(
    ["check-server", `${api.url}/accounts`, "--token", "-", ...identity],
    "a.b.c2ln\n",
  );
  await api.close();
  await expect(stdout.replace(/127\.0\.0\.1:\d+/, "127.0.0.1:8443")).toMatchFileSnapshot("output/check-server.txt");
  expect(exitCode).toBe(1);
});

test("certbound --help prints the recorded help", async () => {
  const { stdout, ...rest } = await certbound(["--help"]);
  expect(rest).toEqual({ exitCode: 0, stderr: "" });
  await expect(stdout).toMatchFileSnapshot("output/help.txt");
});

test("certbound exits with 2 and prints a usage error to stderr", async () => {
  expect(await certbound(["explain", "--tokens", "x"])).toEqual({
    exitCode: 2,
    stdout: "",
    stderr: "certbound: Unknown option '--tokens'\n",
  });
});
