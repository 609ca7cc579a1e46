const common = { mode: "production", target: "node20", optimization: { minimize: false }, entry: "./server.js" };

export default [
  { ...common, output: { filename: "server.cjs" } },
  {
    ...common,
    output: { filename: "server.mjs", module: true, chunkFormat: "module" },
    experiments: { outputModule: true },
  },
];
