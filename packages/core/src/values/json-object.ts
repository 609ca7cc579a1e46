/** An object as returned by JSON.parse. Use {@link ownMember} to read it. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Returns whether a value is an object in the sense of JSON: not null and not an array. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Reads an own member. Inherited members are ignored, because they do not come from the sender of the JSON. */
export function ownMember(object: JsonObject, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

/** Freezes a parsed JSON value and everything in it. */
export function deepFreeze<Value>(root: Value): Value {
  // A list instead of recursion, because the sender determines the depth.
  const pending: unknown[] = [root];
  while (pending.length > 0) {
    const value = pending.pop();
    if (typeof value !== "object" || value === null) continue;
    Object.freeze(value);
    for (const inner of Object.values(value)) pending.push(inner);
  }
  return root;
}
