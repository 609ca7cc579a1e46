import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Names that Node, jose and oauth4webapi read, even if the source of core does not contain them. */
const additionalNames = [
  ["0", "1", "2", "raw", "stream", "session", "then", "toJSON", "length", "get", "set", "value", "writable", "return"],
  ["options", "headers", "method", "status", "signal", "dispatcher", "crit", "b64", "zip", "header", "jwk", "ext"],
  ["max", "maxSize", "ttl", "now", "size", "older", "newer", "detail"],
];

const comments = /\/\*[^]*?\*\/|\/\/.*/g;
const texts = /"([^"\n]*)"/g;
/** Matches possible names of members: a word after a dot, before a colon, in braces or in quotes. */
const members =
  /(?<=\.)[A-Za-z_$][\w$]*|[A-Za-z_$][\w$]*(?=\??:)|(?<=[{,]\s*)[A-Za-z_$][\w$]*(?=\s*[,}=])|(?<=")[^"\s]{1,32}(?=")/g;
/** Matches the names of types, classes and constants, which are not members. */
const notAMember = /^(?:[A-Z][a-z]\w*|[A-Z_]{4,})$/;

/** Lists all possible names of members in the source of core. */
export function namesInCore(): readonly string[] {
  const root = fileURLToPath(new URL("../../packages/core/src/", import.meta.url));
  const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
  const found = files.flatMap((file) => {
    const text = readFileSync(root + file, "utf8")
      .replaceAll(comments, "")
      // Sentences are not names.
      .replaceAll(texts, (quoted, inner: string) => (/\s/.test(inner) ? "" : quoted));
    return text.match(members) ?? [];
  });
  return [...new Set([...additionalNames.flat(), ...found.filter((name) => !notAMember.test(name))])];
}
