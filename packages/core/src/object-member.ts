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

function prototypeOf(object: object): object | null {
  return Object.getPrototypeOf(object) as object | null;
}
