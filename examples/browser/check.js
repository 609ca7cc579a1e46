// Three people with a browser each, real Chromium: one has a client certificate, one has another one, one has none.
// The page of the first one gets a token and calls its API. The token is stolen, and of no use in the other browsers.

import { createCertificateAuthority } from "@certbound/testing";
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findCommand, startBrowser } from "./browser.js";
import { firstCookie } from "./cookies.js";
import { createSigningKey, startOrigin } from "./server.js";

// The secret that signs cookies is not the key that signs tokens.
const signingKey = createSigningKey();
const { cookie, signature } = await firstCookie({ signingKey });
assert.match(cookie, /^_interaction=/);
assert.match(signature, /^[\w-]{27}$/);
assert.notEqual(signature, createHmac("sha1", signingKey.d).update(cookie).digest("base64url"));

const commands = ["chromium", "certutil", "pk12util", "openssl"];
// Elsewhere Chromium takes certificates from the store of the system, which is not to be touched.
const missing = process.platform === "linux" ? commands.filter((name) => !findCommand(name)) : ["Linux"];
if (missing.length > 0) {
  console.log(`skipped: needs ${missing.join(", ")}`);
  process.exit(process.env.CI ? 1 : 0);
}

const { certificate: authority, ...issue } = await createCertificateAuthority();
const [server, anna, thief] = await Promise.all([
  issue.issueServerCertificate(),
  issue.issueClientCertificate({ commonName: "anna" }),
  issue.issueClientCertificate({ commonName: "thief" }),
]);
const { origin, close } = await startOrigin({ certificate: server, trusted: authority });
const folder = mkdtempSync(join(tmpdir(), "certbound-browser-"));
process.once("exit", () => rmSync(folder, { recursive: true, maxRetries: 5 }));

/** Opens the page in a new browser, and closes that when `look` has seen it. */
async function browse(name, identity, look) {
  const options = { folder: join(folder, name), authority, identity, origin };
  const browser = await startBrowser(findCommand("chromium"), options);
  try {
    await browser.page.goto(origin);
    return await look(browser.page);
  } finally {
    await browser.close();
  }
}

/** What the page shows once it has called its API. */
const shown = async (page) => JSON.parse(await page.locator("output:not(:empty)").textContent());

/** What the API answers to a token, whoever got it, in this browser. */
const call = (page, token) =>
  page.evaluate(async (authorization) => {
    const signal = AbortSignal.timeout(10_000);
    const { status } = await fetch("/accounts", { headers: { authorization }, signal });
    return status;
  }, `Bearer ${token}`);

try {
  const token = await browse("anna", anna, async (page) => {
    const answer = await shown(page);
    console.log("the page of the first browser shows", answer);
    assert.deepEqual(answer, { owner: "CN=anna", boundTo: anna.thumbprint });
    const own = await page.evaluate(() => sessionStorage.getItem("token"));
    assert.equal(await call(page, own), 200);
    return own;
  });
  await browse("thief", thief, async (page) => {
    assert.deepEqual(await shown(page), { owner: "CN=thief", boundTo: thief.thumbprint });
    assert.equal(await call(page, token), 401);
  });
  await browse("nobody", undefined, async (page) => {
    await page.getByText("This browser has no certificate").waitFor();
    assert.equal(await call(page, token), 401);
  });
} finally {
  await close();
}
console.log("200 in the browser that the token is bound to; 401 in one with another certificate, and in one without");
