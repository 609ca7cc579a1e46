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

/** What the exit code of a command says. */
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** The exit codes, by what they say. */
export const exitCodes = {
  /** The token is accepted; the API rejects what it has to; the certificates could be read; or help was shown. */
  good: 0,
  /**
   * The token is rejected; the API lets through what it must reject, or rejects the right token; a file has no certificate.
   */
  bad: 1,
  /** An option or a file cannot be used. */
  usage: 2,
  /** The issuer or the API could not be asked, the answer says nothing, or the program itself failed. */
  untold: 3,
} as const;

/** Says what is wrong with the command line, or with a file that it names; never holds a token or a key. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
