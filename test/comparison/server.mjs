// A server with the handlers of one candidate: node server.mjs CANDIDATE. It gets its settings by IPC, and sends its port.

import { createServer } from "node:https";
import process from "node:process";
import express from "express";

const [, , name = ""] = process.argv;
/** @type {{ createHandlers: import("./candidate.js").CreateHandlers }} */
const { createHandlers } = await import(`./candidates/${name}.mjs`);

/** @param {import("./candidate.js").ServerSettings} message */
function start({ tls, settings, unavailable }) {
  const app = express();
  // A failure gets 500 without the stack that Express prints.
  app.set("env", "test");
  const routes = { ...createHandlers(settings), unavailable: createHandlers(unavailable).required };
  for (const [path, handler] of Object.entries(routes)) app.use(`/${path}`, handler);
  app.use((_request, response) => void response.json({ accepted: true }));
  const server = createServer({ ...tls, requestCert: true, rejectUnauthorized: false }, app);
  server.listen(0, "127.0.0.1", () => {
    const address = /** @type {import("node:net").AddressInfo} */ (server.address());
    process.send?.({ port: address.port, routes: Object.keys(routes) });
  });
}

process.on("message", (/** @type {"usage" | import("./candidate.js").ServerSettings} */ message) => {
  if (message === "usage") process.send?.(process.cpuUsage());
  else start(message);
});
// Exits when the runner is gone.
process.on("disconnect", () => process.exit(0));
