/** Where a command reads and writes; `process` fits. */
export interface Surroundings {
  readonly stdin: AsyncIterable<string | Uint8Array>;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Somewhere to write to. */
export interface Output {
  readonly write: (text: string) => unknown;
  /** Whether it is a terminal, which shows colours. */
  readonly isTTY?: boolean | undefined;
}
