/** A unit of work, with a name for error messages. */
export interface Task {
  readonly name: string;
  readonly run: () => Promise<void>;
}

/** Runs all tasks in order, `atOnce` at a time. Stops at the first failure. */
export async function runAll(tasks: readonly Task[], atOnce: number): Promise<void> {
  const remaining = [...tasks];
  const work = async (): Promise<void> => {
    for (let task = remaining.shift(); task !== undefined; task = remaining.shift()) {
      const { name, run } = task;
      await run().catch((cause: unknown) => {
        remaining.length = 0;
        throw new Error(`${name}: ${String(cause)}`, { cause });
      });
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
}
