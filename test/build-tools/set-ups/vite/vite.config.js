import { defineConfig } from "vite";

export default defineConfig({
  build: { ssr: "server.js" },
  // Without this, the packages are not part of the bundle, which then needs node_modules.
  ssr: { noExternal: true },
});
