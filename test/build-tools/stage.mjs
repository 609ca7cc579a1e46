// A temporary folder outside the repository, where the packed packages are installed as a user would install them.

import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "./commands.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const packages = fileURLToPath(new URL("../../packages/", import.meta.url));
const tools = join(here, "node_modules");

/** Installs the tools of this folder, unless they are already installed. */
export async function installTools() {
  const installed = join(tools, ".package-lock.json");
  const isCurrent =
    existsSync(installed) && statSync(installed).mtimeMs >= statSync(join(here, "package-lock.json")).mtimeMs;
  if (!isCurrent) await run(["npm", "ci", "--prefer-offline"], { cwd: here });
}

/**
 * Creates the folder. Its subfolders `no-undici`, `undici-7` and `undici-8` contain the packages in their node_modules. The
 * tools and Express are in the node_modules of the parent folder.
 */
export async function createStage() {
  const root = mkdtempSync(join(tmpdir(), "certbound-build-tools-"));
  const tarballs = join(root, "tarballs");
  const temporary = join(root, "tmp");
  const application = join(root, "no-undici");
  for (const folder of [tarballs, temporary, application]) mkdirSync(folder);
  symlinkSync(tools, join(root, "node_modules"), "dir");
  for (const name of ["core", "express", "fastify", "testing"]) {
    const command = ["npm", "pack", "--ignore-scripts", "--pack-destination", tarballs];
    await run(command, { cwd: join(packages, name) });
  }
  writeFileSync(join(application, "package.json"), '{ "private": true }\n');
  const files = readdirSync(tarballs).map((file) => join(tarballs, file));
  await run(["npm", "install", "--prefer-offline", "--omit=peer", ...files], { cwd: application });
  for (const undici of ["undici-7", "undici-8"]) {
    cpSync(application, join(root, undici), { recursive: true, verbatimSymlinks: true });
    symlinkSync(join(tools, undici), join(root, undici, "node_modules/undici"), "dir");
  }
  return {
    root,
    /** Redirects the temporary files of the tools. */
    env: { TMPDIR: temporary },
    /**
     * Copies a set-up and its shared files, and returns its folder.
     *
     * @param {string} name
     * @param {{ shared?: readonly string[], undici?: Undici }} [options]
     */
    add(name, { shared = [], undici = "no-undici" } = {}) {
      const folder = join(root, undici, name);
      cpSync(join(here, "set-ups", name), folder, { recursive: true });
      for (const file of shared) cpSync(join(here, "set-ups", file), join(folder, file));
      return folder;
    },
    remove: () => rmSync(root, { recursive: true }),
  };
}

/** @typedef {"no-undici" | "undici-7" | "undici-8"} Undici */
