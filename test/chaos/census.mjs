import { setImmediate as nextTurn } from "node:timers/promises";

/**
 * @typedef {import("./api-process.ts").ApiName} ApiName
 * @typedef {import("./api-process.ts").Remains} Remains
 * @typedef {import("node:net").Socket} Socket
 */

/** Counts the connections and requests that the servers of this process still hold. */
export function createCensus() {
  /** @type {Map<Socket, ApiName>} */
  const open = new Map();
  /** @type {WeakRef<object>[]} */
  const requests = [];
  let connections = 0;

  /**
   * Closes sockets of node:http2 whose connection is gone. Node does not notice every client that resets the connection,
   * with or without certbound. All other sockets must close by themselves.
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
    /** Waits up to 15 s until all connections are closed, and counts. @returns {Promise<Omit<Remains, "problems">>} */
    async take() {
      const end = performance.now() + 15_000;
      for (let turn = 0; turn < 10 || (open.size > 0 && performance.now() < end); turn += 1) {
        await nextTurn();
        if (turn >= 10) closeUnnoticed();
      }
      // Over HTTP/1, Node rarely (once in some thousands) misses a client that leaves while the response to the first of
      // several pipelined requests is written: the callback of that write is never called.
      const unnoticed = [...open.keys()].filter((socket) => !socket.destroyed && socket.remoteAddress === undefined);
      for (const socket of unnoticed) socket.destroy();
      await nextTurn();
      const left = Array.from(open, ([socket, api]) => stateOf(socket, api));
      globalThis.gc?.();
      await nextTurn();
      globalThis.gc?.();
      return {
        connections,
        left,
        unnoticed: unnoticed.length,
        requests: requests.length,
        requestsKept: requests.filter((reference) => reference.deref() !== undefined).length,
        resources: process.getActiveResourcesInfo().toSorted(),
        heap: process.memoryUsage().heapUsed,
      };
    },
  };
}

/** Describes a connection that is still open. @param {Socket} socket @param {ApiName} api */
function stateOf(socket, api) {
  const { destroyed, readyState, readableEnded, writableEnded, remoteAddress, bytesRead, bytesWritten, timeout } =
    socket;
  const isConnected = remoteAddress !== undefined;
  return JSON.stringify({
    api,
    destroyed,
    readyState,
    readableEnded,
    writableEnded,
    isConnected,
    bytesRead,
    bytesWritten,
    timeout,
  });
}
