/**
 * Throws if an options object has an unknown member.
 *
 * A misspelt option would otherwise have no effect, and a test could pass without testing anything.
 *
 * @throws TypeError for an unknown member
 */
export function assertKnownOptions(options: object, known: readonly string[]): void {
  const unknown = Object.keys(options).filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    throw new TypeError(`Unknown option: ${unknown.join(", ")}. Known: ${known.join(", ")}`);
  }
}
