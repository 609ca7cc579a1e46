import { readFileSync } from "node:fs";

/**
 * Fills in a configuration: `@NAME@` becomes the value of that name.
 *
 * @throws Error for a name without a value
 */
export function renderConfiguration(file: URL, values: Readonly<Record<string, string | number>>): string {
  return readFileSync(file, "utf8").replaceAll(/@([A-Z_]+)@/g, (_placeholder, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`missing value for @${name}@ in ${file.pathname}`);
    return String(value);
  });
}
