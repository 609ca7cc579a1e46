// Runs the commands and programs of docs/openssl-and-curl.md, in their order, in a new folder.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { errors } from "./errors.js";
import { createFolder, fileOf } from "./folder.js";

// Other TLS libraries have other options and other error messages.
const version = (command, argument) => String(spawnSync(command, [argument]).stdout);
if (!/^OpenSSL ([3-9]|\d\d)/.test(version("openssl", "version")) || !/ OpenSSL\//.test(version("curl", "--version"))) {
  console.log("skipped: needs openssl 3, and a curl that uses it");
  process.exit(process.env.CI ? 1 : 0);
}

const { cwd, run, start } = createFolder();
const succeeds = async (command, args, env) => {
  const { stdout, stderr, code } = await run(command, args, env);
  assert.equal(code, 0, stderr);
  return stdout;
};
const script = (name, env) => succeeds("sh", ["-eu", fileOf(name)], env);

await script("1-ca.sh");
await script("2-server.sh");
await script("3-clients.sh");
assert.match(await script("4-look.sh"), /^server\.pem: OK\nclient\.pem: OK\nthief\.pem: OK\n/);
const thumbprint = await script("5-thumbprint.sh");
const issuer = await start(process.execPath, [fileOf("issuer.js")])();
assert.equal(await script("6-claim.sh"), thumbprint);

const startApi = async (env) => {
  const next = start(process.execPath, [fileOf("api.js")], { env: { ISSUER: issuer, PORT: "0", ...env } });
  return { url: await next(), next };
};
const api = await startApi();
await script("7-renewal.sh");
const responses = await script("8-calls.sh", { API: api.url });
const unauthorized = '{"message":"unauthorized"} 401\n';
assert.equal(responses, `{"client":"client-1"} 200\n${unauthorized.repeat(4)}`);
const codes = ["ERR_CERTIFICATE_MISSING", "ERR_BINDING_MISMATCH", "ERR_BINDING_MISMATCH", "ERR_TOKEN_MISSING"];
for (const code of codes) assert.equal(await api.next(), `rejected: ${code}`);

/** Starts `openssl s_server`, which requires client certificates, with a clock that differs by these seconds. */
const startOpenssl = async (seconds) => {
  const tls = ["-cert", "server.pem", "-key", "server-key.pem", "-CAfile", "ca.pem", "-Verify", "1"];
  const time = ["-attime", String(Math.floor(Date.now() / 1000) + seconds)];
  const listen = ["s_server", "-accept", "127.0.0.1:0", "-verify_return_error", "-www"];
  const next = start("openssl", [...listen, ...tls, ...time], { stderr: "ignore" });
  for (;;) {
    const line = await next();
    assert.notEqual(line, undefined);
    const [, port] = /^ACCEPT .*:(\d+)$/.exec(line) ?? [];
    if (port !== undefined) return { url: `https://localhost:${port}`, next };
  }
};

const day = 24 * 60 * 60;
const servers = {
  api,
  strict: await startApi({ STRICT: "1" }),
  slow: await startOpenssl(-day),
  fast: await startOpenssl(300 * day),
};
const call = ["-sS", "--cacert", "ca.pem", "--cert", "client.pem", "--key", "client-key.pem"];
// Only the user can read the file.
assert.equal(statSync(join(cwd, "authorization")).mode & 0o777, 0o600);
const bearer = ["-H", "@authorization", `${servers.strict.url}/accounts`];
assert.equal(await succeeds("curl", [...call, ...bearer]), '{"client":"client-1"}');

const guide = readFileSync(new URL("../../docs/openssl-and-curl.md", import.meta.url), "utf8");
// Creates a self-signed certificate, and one from a CA that the server does not know.
const ownKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-keyout", "own-key.pem"];
await succeeds("openssl", ["req", "-x509", ...ownKey, "-out", "own.pem", "-subj", "/CN=own"]);
const byOwn = ["-CA", "own.pem", "-CAkey", "own-key.pem", "-extfile", "client.ext", "-out", "foreign.pem"];
await succeeds("openssl", ["x509", "-req", "-in", "thief.csr", ...byOwn]);
for (const { at, host = "localhost", args, curl: message = "", log } of errors) {
  const { port } = new URL(servers[at].url);
  const url = `https://${host}:${port}/accounts`;
  const { code, stderr } = await run("curl", ["-sS", "--resolve", `${host}:${port}:127.0.0.1`, ...args, url]);
  assert.notEqual(code, 0, `curl did not fail: ${args.join(" ")}`);
  assert.ok(stderr.includes(message), `${stderr} instead of ${message}`);
  assert.ok(guide.includes(message), `the guide does not explain ${message}`);
  if (log === undefined) continue;
  assert.ok(guide.includes(log), `the guide does not explain ${log}`);
  assert.equal(await servers[at].next(), `handshake failed: ${log}`);
}
console.log(
  "200 for the certificate with the thumbprint of the token, 401 for all others; the guide lists curl's errors",
);
process.exit();
