/** A piece of work, named for those who read of its failure. */
export interface Task {
  readonly name: string;
  readonly run: () => Promise<void>;
}

/** Does all tasks, so many at a time, in their order; the first failure ends it. */
export async function doAll(tasks: readonly Task[], atOnce: number): Promise<void> {
  const rest = [...tasks];
  const work = async (): Promise<void> => {
    for (let task = rest.shift(); task !== undefined; task = rest.shift()) {
      const { name, run } = task;
      await run().catch((cause: unknown) => {
        rest.length = 0;
        throw new Error(`${name}: ${String(cause)}`, { cause });
      });
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
}
