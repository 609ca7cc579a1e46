import { inspect } from "node:util";
import type { AccessTokenError } from "../../src/errors.ts";

/** Returns all texts that an error can expose, in a log or through its members. */
export function everythingOf(error: AccessTokenError): string {
  const members = Reflect.ownKeys(error).map((key) => String(Reflect.get(error, key)));
  const inspected = inspect(error, { depth: 20, showHidden: true });
  return [String(error), error.message, error.detail, error.stack, JSON.stringify(error), inspected, ...members].join(
    "\n",
  );
}
