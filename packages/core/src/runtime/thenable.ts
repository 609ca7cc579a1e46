/**
 * Returns whether a value has to be awaited: whether it has a callable `then`, as `await` decides.
 *
 * Never `instanceof Promise`: async functions return native promises even where an application has replaced the global
 * class (bluebird, zone.js).
 */
export function isThenable<Result>(value: Result | Promise<Result>): value is Promise<Result> {
  const mayHaveMembers = (typeof value === "object" && value !== null) || typeof value === "function";
  return mayHaveMembers && "then" in value && typeof value.then === "function";
}
