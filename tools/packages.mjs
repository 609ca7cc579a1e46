// The published packages of this repository.

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { capture } from "./commands.mjs";

/** The root of the repository. */
export const root = join(dirname(fileURLToPath(import.meta.url)), "..");

/** The folders of the packages in packages/. */
export const packageNames = ["core", "express", "fastify", "testing", "cli"];

/**
 * Returns the manifest of a package.
 *
 * @param {string} name
 */
export function manifestOf(name) {
  return JSON.parse(readFileSync(join(root, "packages", name, "package.json"), "utf8"));
}

/**
 * Packs a built package, and returns the description that npm prints.
 *
 * @param {string} name
 * @param {string} destination the folder of the tarball
 * @returns {{ filename: string, size: number, unpackedSize: number, files: { path: string, size: number }[] }}
 * @throws if npm fails
 */
export function pack(name, destination) {
  const parameters = ["pack", "--json", "--ignore-scripts", "--pack-destination", destination];
  return JSON.parse(capture("npm", parameters, join(root, "packages", name)))[0];
}
