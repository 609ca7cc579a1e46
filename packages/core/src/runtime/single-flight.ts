/** Runs one of a kind at a time: whoever asks for the same name meanwhile gets the same promise. */
export type SingleFlight<Result> = (name: string, run: () => Promise<Result>) => Promise<Result>;

/** Creates a single flight; what has settled is forgotten. */
export function createSingleFlight<Result>(): SingleFlight<Result> {
  const pending = new Map<string, Promise<Result>>();
  return (name, run) => {
    const running = pending.get(name) ?? run().finally(() => pending.delete(name));
    pending.set(name, running);
    return running;
  };
}
