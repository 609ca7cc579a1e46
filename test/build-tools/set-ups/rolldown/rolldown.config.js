import { defineConfig } from "rolldown";

export default defineConfig({
  input: "server.js",
  platform: "node",
  output: [
    { format: "esm", file: "dist/server.mjs" },
    { format: "cjs", file: "dist/server.cjs" },
  ],
});
