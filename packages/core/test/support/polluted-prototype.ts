/** Runs a check while every object inherits a member, as after a prototype pollution elsewhere in the process. */
export function withPollutedPrototype<Result>(name: string, value: unknown, run: () => Result): Result {
  const prototype: object = Object.getPrototypeOf({});
  Reflect.defineProperty(prototype, name, { value, configurable: true });
  try {
    return run();
  } finally {
    Reflect.deleteProperty(prototype, name);
  }
}
