// Runs three real Chromium browsers: the user's, with a client certificate; a thief's, with another certificate; and one
// without a certificate. The page in the first browser gets a token and calls its API. Then the other browsers call the API
// with the same token, and are rejected.

import { createCertificateAuthority } from "@certbound/testing";
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findCommand, startBrowser } from "./browser.js";
import { firstCookie } from "./cookies.js";
import { createSigningKey, startOrigin } from "./server.js";

// Cookies are not signed with the key that signs tokens.
const signingKey = createSigningKey();
const { cookie, signature } = await firstCookie({ signingKey });
assert.match(cookie, /^_interaction=/);
assert.match(signature, /^[\w-]{27}$/);
assert.notEqual(signature, createHmac("sha1", signingKey.d).update(cookie).digest("base64url"));

const commands = ["chromium", "certutil", "pk12util", "openssl"];
// On other systems, Chromium uses the certificate store of the system, which this example does not change.
const missing = process.platform === "linux" ? commands.filter((name) => !findCommand(name)) : ["Linux"];
if (missing.length > 0) {
  console.log(`skipped: needs ${missing.join(", ")}`);
  process.exit(process.env.CI ? 1 : 0);
}

const { certificate: ca, ...issue } = await createCertificateAuthority();
const [server, anna, thief] = await Promise.all([
  issue.issueServerCertificate(),
  issue.issueClientCertificate({ commonName: "anna" }),
  issue.issueClientCertificate({ commonName: "thief" }),
]);
const { origin, close } = await startOrigin({ certificate: server, ca });
const folder = mkdtempSync(join(tmpdir(), "certbound-browser-"));
process.once("exit", () => rmSync(folder, { recursive: true, maxRetries: 5 }));

/** Opens the page in a new browser, calls `inspect` with it, and closes the browser. */
async function browse(name, identity, inspect) {
  const options = { folder: join(folder, name), ca, identity, origin };
  const browser = await startBrowser(findCommand("chromium"), options);
  try {
    await browser.page.goto(origin);
    return await inspect(browser.page);
  } finally {
    await browser.close();
  }
}

/** Returns what the page shows after it has called its API. */
const readOutput = async (page) => JSON.parse(await page.locator("output:not(:empty)").textContent());

/** Returns the status of an API call with a token in this browser. */
const call = (page, token) =>
  page.evaluate(async (authorization) => {
    const signal = AbortSignal.timeout(10_000);
    const { status } = await fetch("/accounts", { headers: { authorization }, signal });
    return status;
  }, `Bearer ${token}`);

try {
  const token = await browse("anna", anna, async (page) => {
    const accounts = await readOutput(page);
    console.log("the page of the first browser shows", accounts);
    assert.deepEqual(accounts, { owner: "CN=anna", boundTo: anna.thumbprint });
    const annasToken = await page.evaluate(() => sessionStorage.getItem("token"));
    assert.equal(await call(page, annasToken), 200);
    return annasToken;
  });
  await browse("thief", thief, async (page) => {
    assert.deepEqual(await readOutput(page), { owner: "CN=thief", boundTo: thief.thumbprint });
    assert.equal(await call(page, token), 401);
  });
  await browse("without-certificate", undefined, async (page) => {
    await page.getByText("This browser has no certificate").waitFor();
    assert.equal(await call(page, token), 401);
  });
} finally {
  await close();
}
console.log("200 in the browser that the token is bound to; 401 in one with another certificate, and in one without");
