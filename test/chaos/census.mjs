import { setImmediate as nextTurn } from "node:timers/promises";

/**
 * @typedef {import("./api-process.ts").ApiName} ApiName
 * @typedef {import("./api-process.ts").Remains} Remains
 * @typedef {import("node:net").Socket} Socket
 */

/** Counts what the servers of this process hold on to. */
export function createCensus() {
  /** @type {Map<Socket, ApiName>} */
  const open = new Map();
  /** @type {WeakRef<object>[]} */
  const requests = [];
  let connections = 0;

  /**
   * Node's HTTP/2 does not notice every client that resets, with any check or none: the connection is gone, and its socket
   * is not. All others have to close by themselves.
   */
  const closeUnnoticed = () => {
    for (const [socket, api] of open) {
      if (api === "node:http2" && !socket.destroyed && socket.remoteAddress === undefined) socket.destroy();
    }
  };

  return {
    /** @param {ApiName} api @param {import("node:events").EventEmitter} server */
    watch(api, server) {
      server.on("connection", (/** @type {Socket} */ socket) => {
        connections += 1;
        open.set(socket, api);
        socket.once("close", () => open.delete(socket));
      });
      server.on("request", (/** @type {object} */ request) => requests.push(new WeakRef(request)));
    },
    /** Waits until there is no connection left, and counts. @returns {Promise<Omit<Remains, "troubles">>} */
    async take() {
      for (let turn = 0; turn < 10 || open.size > 0; turn += 1) {
        await nextTurn();
        if (turn >= 10) closeUnnoticed();
      }
      globalThis.gc?.();
      await nextTurn();
      globalThis.gc?.();
      return {
        connections,
        requests: requests.length,
        requestsKept: requests.filter((reference) => reference.deref() !== undefined).length,
        resources: process.getActiveResourcesInfo().toSorted(),
        heap: process.memoryUsage().heapUsed,
      };
    },
  };
}
