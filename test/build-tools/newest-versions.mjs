// Loaded with --import: replaces undici and keyv with their newest versions, which are installed in this folder.
import { registerHooks } from "node:module";

const replacements = new Map([
  [import.meta.resolve("undici"), import.meta.resolve("undici-8")],
  [import.meta.resolve("keyv"), import.meta.resolve("keyv-6")],
]);

registerHooks({
  resolve(specifier, context, nextResolve) {
    const resolved = nextResolve(specifier, context);
    const url = replacements.get(resolved.url);
    return url === undefined ? resolved : { ...resolved, url };
  },
});
