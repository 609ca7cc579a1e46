// A server with the handlers of one candidate: node server.mjs CANDIDATE. It gets its settings by IPC, and sends its port.

import { createServer } from "node:https";
import process from "node:process";
import { setImmediate } from "node:timers/promises";
import express from "express";

const [, , name = ""] = process.argv;
/** @type {{ createHandlers: import("./candidate.js").CreateHandlers }} */
const { createHandlers } = await import(`./candidates/${name}.mjs`);

/** @param {import("./candidate.js").ServerSettings} message */
function start({ tls, settings, unavailable, owner }) {
  const app = express();
  // Responds to a failure with 500, without a stack trace.
  app.set("env", "production");
  app.use(report);
  app.use("/late", untilExposed(Buffer.from(owner, "base64")));
  /** @type {string[]} */
  const failed = [];
  const routes = {
    ...createHandlers(settings),
    unavailable: createHandlers(unavailable).required,
    ...withoutAudience(settings, failed),
  };
  for (const [path, handler] of Object.entries(routes)) app.use([`/${path}`, `/late/${path}`], handler);
  app.use((_request, response) => void response.json({ accepted: true }));
  const server = createServer({ ...tls, requestCert: true, rejectUnauthorized: false }, app);
  server.listen(0, "127.0.0.1", () => {
    const address = /** @type {import("node:net").AddressInfo} */ (server.address());
    process.send?.({ port: address.port, routes: Object.keys(routes), failed });
  });
}

/** @param {import("./candidate.js").Settings} settings @param {string[]} failed gets the name of the route if it cannot be created */
function withoutAudience(settings, failed) {
  try {
    const { required } = createHandlers({ ...settings, audience: /** @type {never} */ (undefined) });
    return { noAudience: required };
  } catch {
    failed.push("noAudience");
    return {};
  }
}

/**
 * Sends the response to the runner, for a client that cannot read it.
 *
 * @param {import("express").Request} request
 * @param {import("express").Response} response
 * @param {import("express").NextFunction} next
 */
function report(request, response, next) {
  if (request.headers["x-report"] !== undefined) {
    // The response is complete, but not sent: the connection of that client accepts no data.
    response.once("prefinish", () => {
      process.send?.({ status: response.statusCode, challenge: response.getHeader("www-authenticate") });
    });
  }
  next();
}

/**
 * Simulates asynchronous middleware: waits until Node.js returns the owner's certificate for the connection.
 *
 * @param {Buffer} owner
 * @returns {import("express").RequestHandler}
 */
function untilExposed(owner) {
  return async ({ socket }, _response, next) => {
    const connection = /** @type {import("node:tls").TLSSocket} */ (socket);
    const deadline = performance.now() + 5000;
    while (connection.getPeerX509Certificate()?.raw.equals(owner) !== true && performance.now() < deadline) {
      await setImmediate();
    }
    next();
  };
}

process.on("message", (/** @type {"usage" | import("./candidate.js").ServerSettings} */ message) => {
  if (message === "usage") process.send?.(process.cpuUsage());
  else start(message);
});
// Exits when the runner is gone.
process.on("disconnect", () => process.exit(0));
