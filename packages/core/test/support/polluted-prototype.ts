const prototype: object = Object.getPrototypeOf({});

/** Runs a synchronous check while every object of the process inherits a member. */
export function withPollutedPrototype<Result>(name: string, value: unknown, run: () => Result): Result {
  const restore = pollute(name, value);
  try {
    return run();
  } finally {
    restore();
  }
}

/** Runs an asynchronous check while every object of the process inherits a member. */
export async function whilePrototypeIsPolluted<Result>(
  name: string,
  value: unknown,
  run: () => Promise<Result>,
): Promise<Result> {
  const restore = pollute(name, value);
  try {
    return await run();
  } finally {
    restore();
  }
}

/** Adds a member to Object.prototype, and returns the function that removes it. */
function pollute(name: string, value: unknown): () => void {
  // The descriptor has no prototype, because it would inherit the polluted member.
  const before = Object.assign(Object.create(null) as object, Object.getOwnPropertyDescriptor(prototype, name));
  const wasThere = Object.hasOwn(prototype, name);
  const descriptor = { __proto__: null, value, configurable: true, enumerable: true, writable: true };
  Object.defineProperty(prototype, name, descriptor);
  return () => {
    if (wasThere) Object.defineProperty(prototype, name, before);
    else Reflect.deleteProperty(prototype, name);
  };
}
