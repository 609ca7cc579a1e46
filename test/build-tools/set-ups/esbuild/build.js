import { build } from "esbuild";

const common = { entryPoints: ["server.js"], bundle: true, platform: "node" };

// #region commonjs
await build({ ...common, format: "cjs", outfile: "dist/server.cjs" });
// #endregion

// #region esm
// Express and undici are CommonJS: in a module, their require() of node:http and others needs this line.
const banner = 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);';
await build({ ...common, format: "esm", outfile: "dist/server.mjs", banner: { js: banner } });
// #endregion
