// Four APIs in a process of their own, run with --expose-gc. Told what they trust, they say where they listen; told to, they
// change their clocks, let callbacks settle that wait, and say what is left of everything.

import { startApis } from "./apis.mjs";
import { createCensus } from "./census.mjs";

/** @typedef {import("./api-process.ts").Setup} Setup */
/** @typedef {import("./api-process.ts").Request} Request */

/** @type {string[]} */
const troubles = [];
for (const event of ["unhandledRejection", "uncaughtException", "warning"]) {
  process.on(event, (what) => troubles.push(`${event}: ${what instanceof Error ? what.stack : String(what)}`));
}

// The keys of an issuer are as old as this clock says.
const elapsed = performance.now.bind(performance);
let ahead = 0;
performance.now = () => elapsed() + ahead;

/** @param {object} message */
const tell = (message) => process.send?.(message);

/** @param {Setup} setup */
async function start(setup) {
  const census = createCensus();
  const apis = await startApis(setup, { onServer: census.watch, onWaiting: (waiting) => tell({ waiting }) });

  /** @type {Record<Request["ask"], (request: any) => unknown>} */
  const answers = {
    setClock: ({ api, now }) => apis[api]?.setClock(now),
    settle: ({ api, callback }) => apis[api]?.settle(callback),
    pass: ({ milliseconds }) => (ahead += milliseconds),
    remains: async () => ({ troubles, ...(await census.take()) }),
  };
  const respond = async (/** @type {Request & { id: number }} */ request) =>
    tell({ id: request.id, answer: await answers[request.ask](request) });
  process.on("message", (/** @type {Request & { id: number }} */ request) => void respond(request));
  tell({ urls: Object.fromEntries(Object.entries(apis).map(([name, { url }]) => [name, url])) });
}

process.once("message", (/** @type {Setup} */ setup) => void start(setup));
// An orphan ends.
process.on("disconnect", () => process.exit());
