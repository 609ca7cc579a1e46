/** More levels than a key set or an option has, and fewer than a stack of calls holds. */
const MAX_LEVELS = 100;

/** Tells whether a value out of JSON is nested so deeply that a recursive function, such as JSON.stringify, can fail. */
export function isNestedDeeply(value: unknown, levels: number = MAX_LEVELS): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isNestedDeeply(inner, levels - 1));
}
