/** An object as JSON.parse makes it; to be read by own property only. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Tells whether a value is an object in the sense of JSON: neither null nor an array. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Reads an own member: what stands on a prototype, polluted or not, was never said by the sender. */
export function ownMember(object: JsonObject, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

/** Freezes a parsed JSON value with all that it holds. */
export function deepFreeze<Value>(root: Value): Value {
  // A list of what is left instead of recursion: the nesting is the sender's choice.
  const rest: unknown[] = [root];
  while (rest.length > 0) {
    const value = rest.pop();
    if (typeof value !== "object" || value === null) continue;
    Object.freeze(value);
    for (const inner of Object.values(value)) rest.push(inner);
  }
  return root;
}
