import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { accessSync, constants } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { chromium } from "playwright-core";

/** Finds a command in the PATH. */
export function findCommand(name) {
  const folders = (process.env.PATH ?? "").split(delimiter);
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Starts Chromium with a separate home folder, a CA to trust, and a client certificate if one is given. Both are imported
 * in the same way as a user would import them. Nothing outside the folder is changed.
 */
export async function startBrowser(executablePath, { folder, ca, identity, origin }) {
  const profile = join(folder, "profile");
  await importCertificates(folder, { ca, identity });
  await mkdir(join(profile, "Default"), { recursive: true });
  await writeFile(join(profile, "Default", "Preferences"), JSON.stringify(selectCertificateFor(origin)));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    env: { PATH: process.env.PATH, HOME: folder },
    chromiumSandbox: process.getuid() !== 0, // the sandbox does not work for root
    args: ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost"], // only localhost can be reached
    timeout: 20_000,
  });
  context.setDefaultTimeout(10_000);
  return { page: await context.newPage(), close: () => context.close() };
}

/** Fills the NSS database in which Chromium on Linux keeps certificates and their keys. */
async function importCertificates(folder, { ca, identity }) {
  const run = (command, args) => promisify(execFile)(command, args.split(" "), { cwd: folder, timeout: 10_000 });
  await mkdir(join(folder, ".pki", "nssdb"), { recursive: true });
  await writeFile(join(folder, "ca.pem"), ca);
  await run("certutil", "-N -d sql:.pki/nssdb --empty-password");
  await run("certutil", "-A -d sql:.pki/nssdb -n ca -t C,, -i ca.pem");
  if (identity === undefined) return;
  await writeFile(join(folder, "client.pem"), identity.certificate + identity.key, { mode: 0o600 });
  await writeFile(join(folder, "password"), randomBytes(16).toString("base64url"), { mode: 0o600 });
  await run("openssl", "pkcs12 -export -in client.pem -out client.p12 -passout file:password");
  await run("pk12util", "-i client.p12 -d sql:.pki/nssdb -w password");
}

/**
 * Returns the preferences that make Chromium select any certificate for this origin without asking, as the policy
 * AutoSelectCertificateForUrls does. Without them, Chromium shows a dialog, even if headless, and waits for the user.
 */
function selectCertificateFor(origin) {
  const setting = { filters: [{}] };
  return {
    profile: { content_settings: { exceptions: { auto_select_certificate: { [`${origin},*`]: { setting } } } } },
  };
}
