import type { JsonWebKeySet } from "./configuration.ts";
import { isJsonObject, ownMember } from "../values/json-object.ts";

/** Tells whether a value has the shape of a key set (RFC 7517 section 5); what its keys hold is not looked at. */
export function isJsonWebKeySet(value: unknown): value is JsonWebKeySet {
  if (!isJsonObject(value)) return false;
  const keys = ownMember(value, "keys");
  // findIndex, since every() passes over the holes of a sparse array.
  return Array.isArray(keys) && keys.findIndex((key) => !isJsonObject(key)) === -1;
}
