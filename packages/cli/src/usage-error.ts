/** Says what is wrong with the command line, or with a file that it names; never holds a token or a key. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
