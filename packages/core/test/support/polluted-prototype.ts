const prototype: object = Object.getPrototypeOf({});

/** Runs a check while every object inherits a member, as after a prototype pollution elsewhere in the process. */
export function withPollutedPrototype<Result>(name: string, value: unknown, run: () => Result): Result {
  const clean = pollute(name, value);
  try {
    return run();
  } finally {
    clean();
  }
}

/** The same for a check that has to be waited for: every object of the process inherits the member until it has settled. */
export async function whilePrototypeIsPolluted<Result>(
  name: string,
  value: unknown,
  run: () => Promise<Result>,
): Promise<Result> {
  const clean = pollute(name, value);
  try {
    return await run();
  } finally {
    clean();
  }
}

/** Assigns a member as a vulnerable merge does; returns what undoes it. */
function pollute(name: string, value: unknown): () => void {
  // Without a prototype: a descriptor, too, inherits what the name says.
  const before = Object.assign(Object.create(null) as object, Object.getOwnPropertyDescriptor(prototype, name));
  const wasThere = Object.hasOwn(prototype, name);
  const descriptor = { __proto__: null, value, configurable: true, enumerable: true, writable: true };
  Object.defineProperty(prototype, name, descriptor);
  return () => {
    if (wasThere) Object.defineProperty(prototype, name, before);
    else Reflect.deleteProperty(prototype, name);
  };
}
