import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Names that Node, jose and oauth4webapi read, whether the source of core has them or not. */
const others = [
  ["0", "1", "2", "raw", "stream", "session", "then", "toJSON", "length", "get", "set", "value", "writable", "return"],
  ["options", "headers", "method", "status", "signal", "dispatcher", "crit", "b64", "zip", "header", "jwk", "ext"],
  ["max", "maxSize", "ttl", "now", "size", "older", "newer", "detail"],
];

const comments = /\/\*[^]*?\*\/|\/\/.*/g;
const sentences = /"[^"\n]*\s[^"\n]*"/g;
const identifiersAndWords = /[A-Za-z_$][\w$]*|(?<=")[^"\s]{1,32}(?=")/g;
/** Types, classes, constants and key words: no member has such a name. */
const notAMember = /^(?:[A-Z][a-z]\w*|[A-Z_]{4,}|import|export|from|const|return|function|typeof|interface)$/;

/** Lists the identifiers in the source of core that can be names of members, and what it has between quotes. */
export function namesInCore(): readonly string[] {
  const root = fileURLToPath(new URL("../../packages/core/src/", import.meta.url));
  const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
  const found = files.flatMap((file) => {
    const text = readFileSync(root + file, "utf8")
      .replaceAll(comments, "")
      .replaceAll(sentences, "");
    return text.match(identifiersAndWords) ?? [];
  });
  return [...new Set([...others.flat(), ...found.filter((name) => !notAMember.test(name))])];
}
