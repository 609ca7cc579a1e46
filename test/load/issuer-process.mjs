// The issuer process, which can be killed and stopped. It publishes the keys that it receives by IPC, and reports every
// request. Tokens are signed elsewhere.

import { createServer } from "node:http";

/**
 * @typedef {{ port: number, keys: object[] }} Publication a message to the process; port 0 means any port
 * @typedef {{ port: number } | { request: string }} Notice a message of the process: keys were published, or a path was requested
 */

/** @type {object[]} */
let keys = [];
let origin = "";

const server = createServer((request, response) => {
  const path = request.url ?? "";
  send({ request: path });
  const document = documents()[path];
  // Closes every connection, so that the APIs have to open new ones, which a stopped process still accepts.
  response.writeHead(document === undefined ? 404 : 200, { "content-type": "application/json", connection: "close" });
  response.end(JSON.stringify(document));
});

/** @returns {Record<string, object>} by path */
function documents() {
  return {
    "/.well-known/oauth-authorization-server": { issuer: origin, jwks_uri: `${origin}/jwks` },
    "/jwks": { keys },
  };
}

function sendPort() {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the issuer does not listen on a port");
  origin = `http://127.0.0.1:${address.port}`;
  send({ port: address.port });
}

/** @param {Notice} notice */
function send(notice) {
  process.send?.(notice);
}

process.on("message", (/** @type {Publication} */ publication) => {
  ({ keys } = publication);
  if (server.listening) sendPort();
  else server.listen(publication.port, "127.0.0.1", sendPort);
});
process.once("disconnect", () => process.exit());
