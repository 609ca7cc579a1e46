import { build } from "esbuild";

const common = { entryPoints: ["server.js"], bundle: true, platform: "node" };

// CommonJS:
await build({ ...common, format: "cjs", outfile: "dist/server.cjs" });

// ES modules. Express and undici are CommonJS, and need `require` for modules of Node.js:
const js = 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);';
await build({ ...common, format: "esm", outfile: "dist/server.mjs", banner: { js } });
