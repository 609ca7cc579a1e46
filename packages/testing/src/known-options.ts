/**
 * Rejects an options object that has a member nobody reads.
 *
 * A misspelt option would otherwise leave a test that passes without testing what its author meant.
 */
export function assertKnownOptions(options: object, known: readonly string[]): void {
  const unknown = Object.keys(options).filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    throw new TypeError(`Unknown option: ${unknown.join(", ")}. Known: ${known.join(", ")}`);
  }
}
