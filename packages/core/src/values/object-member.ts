/**
 * Reads a member of an object that Node, a framework or the application made: its own, or one of its class.
 *
 * A member that stands on the last object of the prototype chain (`Object.prototype`, of whatever realm) does not count:
 * something else in the process put it there (prototype pollution), and every object would have it.
 */
export function memberOf<Holder extends object, Name extends keyof Holder>(
  object: Holder,
  name: Name,
): Holder[Name] | undefined {
  const value = object[name];
  if (value === undefined || Object.hasOwn(object, name)) return value;
  let holder = prototypeOf(object);
  while (holder !== null) {
    const next = prototypeOf(holder);
    if (Object.hasOwn(holder, name)) return next === null ? undefined : value;
    holder = next;
  }
  // A proxy, such as the socket of an HTTP/2 request, reads it from an object that is not in the chain.
  return value;
}

/**
 * Copies the own members of an object to an object without a prototype.
 *
 * A member that was not given is undefined there, whatever something else in the process has put on `Object.prototype`. The
 * rest of a destructured object, and a spread, make ordinary objects: pass those here before an optional member is read.
 */
export function withoutPrototype<Members extends object>(members: Members): Members {
  return Object.assign(Object.create(null) as Members, members);
}

/**
 * Returns whether every array inherits enumerable data, which something else in the process has put on `Object.prototype` or
 * `Array.prototype`; libraries read it where a member was not given. Functions do not count: some old libraries add methods
 * there.
 */
export function hasInheritedData(): boolean {
  return inheritedNames().some((name) => typeof Reflect.get([], name) !== "function");
}

/** Returns whether every array inherits an item, which takes the place of one that a library has yet to compute. */
export function hasInheritedItem(): boolean {
  return inheritedNames().some((name) => /^\d+$/.test(name));
}

/** Lists the enumerable members that every array inherits; in a sound process there are none. */
function inheritedNames(): readonly string[] {
  const list: object = [];
  const names: string[] = [];
  for (const name in list) names.push(name);
  return names;
}

function prototypeOf(object: object): object | null {
  return Object.getPrototypeOf(object) as object | null;
}
