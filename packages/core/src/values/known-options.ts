import { isJsonObject } from "./json-object.ts";
import { isThumbprint, THUMBPRINT_OF_EMPTY_INPUT } from "./thumbprint.ts";

/** A rule that the value of an option must match. */
export interface OptionRule {
  /** Completes the sentence "must be ...". */
  readonly expected: string;
  readonly accepts: (value: unknown) => boolean;
}

/** The rules of an options type. A missing rule is a compile error. */
export type OptionRules<Options> = { readonly [Name in keyof Options]-?: OptionRule };

/** Whether `undefined` counts as not given, or is rejected because it would silently drop a requirement. */
export type UndefinedOption = "not-given" | "rejected";

/**
 * Copies options to an object without a prototype, and checks each of them against its rule. Does not check that required
 * options are given.
 *
 * Reads only own enumerable members. Also copies lists, so that later changes by the caller have no effect, but not other
 * objects.
 *
 * @throws TypeError that names the first option that is unknown or violates its rule
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

/** Accepts only true, for options that can be omitted but not set to false. */
export const onlyTrue: OptionRule = {
  expected: "true, or omitted",
  accepts: (value) => value === true,
};

/** Accepts a thumbprint, except the SHA-256 of an empty input, which no certificate has. */
export const thumbprintRule: OptionRule = {
  expected: "an x5t#S256 thumbprint (43 characters of base64url)",
  accepts: (value) => typeof value === "string" && isThumbprint(value) && value !== THUMBPRINT_OF_EMPTY_INPUT,
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
