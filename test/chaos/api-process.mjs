// A process with four APIs, run with --expose-gc. It receives its setup by IPC and sends the URLs of the APIs. On request it
// changes clocks, settles pending callbacks, and counts the remaining connections, requests and resources.

import { startApis } from "./apis.mjs";
import { createCensus } from "./census.mjs";

/** @typedef {import("./api-process.ts").Setup} Setup */
/** @typedef {import("./api-process.ts").Request} Request */

/** @type {string[]} */
const problems = [];
for (const event of ["unhandledRejection", "uncaughtException", "warning"]) {
  process.on(event, (reason) => problems.push(`${event}: ${reason instanceof Error ? reason.stack : String(reason)}`));
}

// certbound measures the age of an issuer's keys with this clock.
const elapsed = performance.now.bind(performance);
let offset = 0;
performance.now = () => elapsed() + offset;

/** @param {object} message */
const send = (message) => process.send?.(message);

/** @param {Setup} setup */
async function start(setup) {
  const census = createCensus();
  const apis = await startApis(setup, { onServer: census.watch, onWaiting: (waiting) => send({ waiting }) });

  /** @type {Record<Request["type"], (request: any) => unknown>} */
  const handlers = {
    setClock: ({ api, now }) => apis[api]?.setClock(now),
    settle: ({ api, callback }) => apis[api]?.settle(callback),
    advance: ({ milliseconds }) => (offset += milliseconds),
    remains: async () => ({ problems, ...(await census.take()) }),
  };
  const respond = async (/** @type {Request & { id: number }} */ request) =>
    send({ id: request.id, result: await handlers[request.type](request) });
  process.on("message", (/** @type {Request & { id: number }} */ request) => void respond(request));
  send({ urls: Object.fromEntries(Object.entries(apis).map(([name, { url }]) => [name, url])) });
}

process.once("message", (/** @type {Setup} */ setup) => void start(setup));
// Exits when the parent process is gone.
process.on("disconnect", () => process.exit());
