/** The streams and the environment that a command uses; `process` satisfies this type. */
export interface Surroundings {
  readonly stdin: AsyncIterable<string | Uint8Array>;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** A stream that a command writes to. */
export interface Output {
  readonly write: (text: string) => unknown;
  /** True for a terminal. The text is then coloured, unless NO_COLOR is set. */
  readonly isTTY?: boolean | undefined;
}

/** The exit code of a command. */
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** The exit codes by meaning. */
export const exitCodes = {
  /** The token is accepted, the API passes the checks, the certificates were read, or a help text was printed. */
  success: 0,
  /**
   * The token is rejected, the API accepts a request that it must reject, the API rejects the valid token, or a file contains
   * no certificate.
   */
  failure: 1,
  /** An option or a file cannot be used. */
  usage: 2,
  /** A server was not reached, its response was inconclusive, the output could not be written, or an internal error occurred. */
  noResult: 3,
} as const;

/** An error in the command line, or in a file that it names. The message never contains a token or a key. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
