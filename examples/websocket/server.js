// The HTTP request that opens a WebSocket is authenticated before the handshake (RFC 6455 section 4.2.2). The certificate of
// a connection does not change. When the token expires, the server closes the WebSocket. The server also limits the size and
// the fragments of a message, the WebSockets of a client, the data buffered for it, and the time in which it must send a pong.

import { AccessTokenError, createAuthenticator, httpRejection } from "@certbound/core";
import { STATUS_CODES } from "node:http";
import { createServer } from "node:https";
import { WebSocketServer } from "ws";
import { watchHeartbeat } from "./heartbeat.js";
import { callAt, systemTime } from "./time.js";

const POLICY_VIOLATION = 1008; // RFC 6455 section 7.4.1
const MAX_BUFFERED = 1024 * 1024; // bytes, for each receiver
const MAX_PER_CLIENT = 5;
// Until the message is complete, each fragment can keep its whole TLS record (16 KiB) in memory.
const MAX_FRAGMENTS = 16;

/** Creates the API: all clients receive each message that a client sends. */
export function createApi({ key, cert, issuer, time = systemTime }) {
  const authenticator = createAuthenticator({ issuer, audience: "https://api.example.com", clock: time.now });
  const authenticate = authenticator({ scopes: ["messages"] });
  const webSockets = new WebSocketServer({ noServer: true, maxPayload: 16 * 1024, maxFragments: MAX_FRAGMENTS });

  const clients = new WeakMap();
  const countOf = (client) => [...webSockets.clients].filter((each) => clients.get(each) === client).length;

  webSockets.on("connection", (webSocket, { claims }) => {
    clients.set(webSocket, claims.client_id);
    watchHeartbeat(webSocket, time);
    const cancel = callAt(claims.exp * 1000, () => webSocket.close(POLICY_VIOLATION, "the token has expired"), time);
    webSocket.on("close", cancel);
    webSocket.on("error", () => webSocket.terminate());
    webSocket.on("message", (text) => {
      // A WebSocket that is being closed may still receive messages.
      if (webSocket.readyState !== webSocket.OPEN) return;
      const message = JSON.stringify({ from: claims.client_id, text: String(text) });
      for (const each of webSockets.clients) {
        // Terminates clients that read too slowly.
        if (each.bufferedAmount > MAX_BUFFERED) each.terminate();
        else each.send(message);
      }
    });
  });

  const tls = { key, cert, requestCert: true, rejectUnauthorized: false, minVersion: "TLSv1.3" };
  const server = createServer(tls, (_request, response) => response.writeHead(426, { Upgrade: "websocket" }).end());
  server.on("upgrade", (request, socket, head) => {
    // Node.js does not handle errors of this socket. Without a listener, a client that disconnects would end the process.
    const hangUp = () => socket.destroy();
    socket.on("error", hangUp);
    const accept = (accessToken) => {
      if (countOf(accessToken.claims.client_id) >= MAX_PER_CLIENT) return rejectUpgrade(socket, tooMany);
      socket.off("error", hangUp);
      return webSockets.handleUpgrade(request, socket, head, (webSocket) => {
        webSockets.emit("connection", webSocket, accessToken);
      });
    };
    const reject = (error) => rejectUpgrade(socket, errorResponse(error));
    authenticate(request).then(accept, reject);
  });
  return server;
}

const tooMany = { status: 429, headers: {}, body: { message: "too many connections" } };

function errorResponse(error) {
  if (error instanceof AccessTokenError) return httpRejection(error);
  // Any other error is a failure of the server, not of the client.
  console.error(error);
  return { status: 500, headers: {}, body: { message: "internal server error" } };
}

/** Sends an HTTP response instead of the handshake, and closes the connection. */
function rejectUpgrade(socket, { status, headers, body }) {
  const content = JSON.stringify(body);
  const length = Buffer.byteLength(content);
  const fields = { ...headers, Connection: "close", "Content-Type": "application/json", "Content-Length": length };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.once("finish", () => socket.destroy());
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join("")}\r\n${content}`);
}
