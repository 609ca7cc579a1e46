// The issuer, as a process of its own that can be killed and stopped. It publishes the keys that it is told to, and says
// when it is asked for something; tokens are signed elsewhere.

import { createServer } from "node:http";

/**
 * @typedef {{ port: number, keys: object[] }} Publication what it is told; port 0 for any
 * @typedef {{ port: number } | { asked: string }} Notice what it says: that it has published, or what it is asked for
 */

/** @type {object[]} */
let keys = [];
let origin = "";

const server = createServer((request, response) => {
  const path = request.url ?? "";
  tell({ asked: path });
  const document = documents()[path];
  // No connection is kept: a stopped issuer is one that accepts connections.
  response.writeHead(document === undefined ? 404 : 200, { "content-type": "application/json", connection: "close" });
  response.end(JSON.stringify(document));
});

/** @returns {Record<string, object>} by their paths */
function documents() {
  return {
    "/.well-known/oauth-authorization-server": { issuer: origin, jwks_uri: `${origin}/jwks` },
    "/jwks": { keys },
  };
}

function tellPort() {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the issuer does not listen on a port");
  origin = `http://127.0.0.1:${address.port}`;
  tell({ port: address.port });
}

/** @param {Notice} notice */
function tell(notice) {
  process.send?.(notice);
}

process.on("message", (/** @type {Publication} */ publication) => {
  ({ keys } = publication);
  if (server.listening) tellPort();
  else server.listen(publication.port, "127.0.0.1", tellPort);
});
process.once("disconnect", () => process.exit());
