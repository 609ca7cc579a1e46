/**
 * Reads a member of an object of Node, a framework or the application: an own member, or one inherited from its class.
 *
 * Ignores members of the last object in the prototype chain (`Object.prototype` of any realm), because they come from
 * prototype pollution.
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
  // A proxy, such as the socket of an HTTP/2 request, reads the member from an object outside the chain.
  return value;
}

/**
 * Copies the own members of an object to an object without a prototype.
 *
 * A missing member of the copy is undefined even if `Object.prototype` is polluted. Spread and rest create ordinary objects:
 * pass them to this function before reading an optional member.
 */
export function withoutPrototype<Members extends object>(members: Members): Members {
  return Object.assign(Object.create(null) as Members, members);
}

/**
 * Returns whether `Object.prototype` or `Array.prototype` is polluted with enumerable data, which libraries would read instead
 * of missing members. Ignores functions, because some old libraries add methods there.
 */
export function hasInheritedData(): boolean {
  return inheritedNames().some((name) => typeof Reflect.get([], name) !== "function");
}

/** Returns whether arrays inherit items, which a library could read instead of an item that it has not yet set. */
export function hasInheritedItem(): boolean {
  return inheritedNames().some((name) => /^\d+$/.test(name));
}

/** Lists the enumerable members that arrays inherit; none without prototype pollution. */
function inheritedNames(): readonly string[] {
  const list: object = [];
  const names: string[] = [];
  for (const name in list) names.push(name);
  return names;
}

function prototypeOf(object: object): object | null {
  return Object.getPrototypeOf(object) as object | null;
}
