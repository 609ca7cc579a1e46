import { inspect } from "node:util";
import type { AccessTokenError } from "../../src/errors.ts";

/** Everything that an error can show, to a log or to whoever holds it. */
export function everythingOf(error: AccessTokenError): string {
  const own = Reflect.ownKeys(error).map((key) => String(Reflect.get(error, key)));
  const shown = inspect(error, { depth: 20, showHidden: true });
  return [String(error), error.message, error.detail, error.stack, JSON.stringify(error), shown, ...own].join("\n");
}
