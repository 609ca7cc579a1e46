/**
 * Returns whether a value has to be awaited: whether it is an object with a callable `then`. (`await` also waits for
 * functions that have one.)
 *
 * Never `instanceof Promise`: async functions return native promises even where an application has replaced the global
 * class (bluebird, zone.js).
 */
export function isThenable<Result>(value: Result | Promise<Result>): value is Promise<Result> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
