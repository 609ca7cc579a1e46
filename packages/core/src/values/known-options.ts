import { isJsonObject } from "./json-object.ts";
import { isThumbprint, THUMBPRINT_OF_NOTHING } from "./thumbprint.ts";

/** A rule that the value of an option must match. */
export interface OptionRule {
  /** Completes the sentence "must be ...". */
  readonly expected: string;
  readonly accepts: (value: unknown) => boolean;
}

/** The rules of an options type. A member without a rule is a compile error. */
export type OptionRules<Options> = { readonly [Name in keyof Options]-?: OptionRule };

/** Whether `undefined` counts as not given. It is rejected in requirements, where it would silently drop a requirement. */
export type UndefinedOption = "not-given" | "rejected";

/**
 * Copies the known options, and throws a `TypeError` that names the first unknown or ill-typed one.
 *
 * Reads only own enumerable members, and the copy has no prototype. Copies lists as well, so that later changes by the caller
 * have no effect, but not other objects. Checks the values only by the rules.
 */
export function knownOptions<Options>(
  description: string,
  options: unknown,
  rules: OptionRules<Options>,
  undefinedOption: UndefinedOption,
): Options {
  if (!isJsonObject(options)) throw new TypeError(`certbound: ${description} must be an object`);
  const known = Object.create(null) as Record<string, unknown>;
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(rules, name)) {
      throw new TypeError(
        `certbound: unknown option "${name}" in ${description}; known options: ${Object.keys(rules).join(", ")}`,
      );
    }
    if (value === undefined && undefinedOption === "not-given") continue;
    const rule = rules[name as keyof Options];
    if (!rule.accepts(value))
      throw new TypeError(`certbound: option "${name}" in ${description} must be ${rule.expected}`);
    known[name] = Array.isArray(value) ? Object.freeze(Array.from<unknown>(value)) : value;
  }
  // The rules have checked the type of each member.
  return known as Options;
}

/** Accepts a non-empty string. */
export const nonEmptyString: OptionRule = {
  expected: "a non-empty string",
  accepts: (value) => typeof value === "string" && value !== "",
};

/** Accepts a function. */
export const callback: OptionRule = {
  expected: "a function",
  accepts: (value) => typeof value === "function",
};

/** Accepts only true, for options that cannot be switched off explicitly. */
export const onlyTrue: OptionRule = {
  expected: "true, or omitted",
  accepts: (value) => value === true,
};

/** Accepts a thumbprint, except the hash of an empty input, which no certificate has. */
export const sha256Thumbprint: OptionRule = {
  expected: "an x5t#S256 thumbprint (43 characters of base64url)",
  accepts: (value) => typeof value === "string" && isThumbprint(value) && value !== THUMBPRINT_OF_NOTHING,
};

/** Accepts a non-empty array of values that another rule accepts. */
export function nonEmptyList(item: OptionRule): OptionRule {
  return {
    expected: `a non-empty array, each item ${item.expected}`,
    // Array.from, because every() skips the holes of a sparse array.
    accepts: (value) => Array.isArray(value) && value.length > 0 && Array.from<unknown>(value).every(item.accepts),
  };
}

/** Accepts a finite number of seconds from `min` to `max`. */
export function seconds(min: number, max: number = Number.MAX_SAFE_INTEGER): OptionRule {
  const upTo = max === Number.MAX_SAFE_INTEGER ? "" : ` and at most ${max}`;
  return {
    expected: `a number of seconds, at least ${min}${upTo}`,
    accepts: (value) => typeof value === "number" && value >= min && value <= max,
  };
}
