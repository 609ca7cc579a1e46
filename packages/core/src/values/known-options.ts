import { isJsonObject } from "./json-object.ts";
import { isThumbprint, THUMBPRINT_OF_NOTHING } from "./thumbprint.ts";

/** Says what an option must be, and tells whether a value is. */
export interface OptionRule {
  /** Completes the sentence "must be ...". */
  readonly expected: string;
  readonly accepts: (value: unknown) => boolean;
}

/** One rule for every member of an options type: an option without a rule does not compile. */
export type OptionRules<Options> = { readonly [Name in keyof Options]-?: OptionRule };

/** Whether `undefined` counts as "not given": while configuring it does, in requirements it must not drop one. */
export type UndefinedOption = "not-given" | "rejected";

/**
 * Copies the known options, and throws a `TypeError` that names the first unknown or ill-typed one.
 *
 * Own enumerable members count, and the copy has no prototype: nothing is inherited. Lists are copied too: items
 * that the caller adds or removes later change nothing here. Objects are not copied. What the values hold is not looked at
 * beyond the rule.
 */
export function knownOptions<Options>(
  of: string,
  options: unknown,
  rules: OptionRules<Options>,
  undefinedOption: UndefinedOption,
): Options {
  if (!isJsonObject(options)) throw new TypeError(`certbound: ${of} must be an object`);
  const known = Object.create(null) as Record<string, unknown>;
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(rules, name)) {
      throw new TypeError(`certbound: unknown option "${name}" in ${of}; known are ${Object.keys(rules).join(", ")}`);
    }
    if (value === undefined && undefinedOption === "not-given") continue;
    const rule = rules[name as keyof Options];
    if (!rule.accepts(value)) throw new TypeError(`certbound: option "${name}" in ${of} must be ${rule.expected}`);
    known[name] = Array.isArray(value) ? Object.freeze(Array.from<unknown>(value)) : value;
  }
  // The rules have just established the type, member by member.
  return known as Options;
}

/** Accepts a string that is not empty. */
export const nonEmptyString: OptionRule = {
  expected: "a non-empty string",
  accepts: (value) => typeof value === "string" && value !== "",
};

/** Accepts a function. */
export const callback: OptionRule = {
  expected: "a function",
  accepts: (value) => typeof value === "function",
};

/** Accepts true: what is switched on by being written out, and off by nothing. */
export const onlyTrue: OptionRule = {
  expected: "true, or left out",
  accepts: (value) => value === true,
};

/** Accepts the thumbprint of a certificate; not that of nothing, which no certificate has. */
export const sha256Thumbprint: OptionRule = {
  expected: "an x5t#S256 thumbprint (43 characters of base64url)",
  accepts: (value) => typeof value === "string" && isThumbprint(value) && value !== THUMBPRINT_OF_NOTHING,
};

/** Accepts a non-empty array of values that another rule accepts. */
export function nonEmptyList(item: OptionRule): OptionRule {
  return {
    expected: `a non-empty array, each item ${item.expected}`,
    // Array.from, since every() passes over the holes of a sparse array.
    accepts: (value) => Array.isArray(value) && value.length > 0 && Array.from<unknown>(value).every(item.accepts),
  };
}

/** Accepts a finite number of seconds, from `least` to `most`. */
export function seconds(least: number, most: number = Number.MAX_SAFE_INTEGER): OptionRule {
  const upTo = most === Number.MAX_SAFE_INTEGER ? "" : ` and at most ${most}`;
  return {
    expected: `a number of seconds, at least ${least}${upTo}`,
    accepts: (value) => typeof value === "number" && value >= least && value <= most,
  };
}
