import { type AccessToken, AccessTokenError, createAuthenticator } from "@certbound/core";
import { type IncomingMessage, STATUS_CODES } from "node:http";
import { createServer } from "node:https";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { tls } from "../tls.js";

const authenticator = createAuthenticator();
const authenticate = authenticator({ scopes: ["read"] });
const webSockets = new WebSocketServer({ noServer: true, maxPayload: 16 * 1024 });

export const server = createServer(tls, (_request, response) => response.writeHead(426).end());

server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
  const hangUp = () => socket.destroy();
  socket.on("error", hangUp); // the client may disconnect while the token is being verified
  authenticate(request).then(
    (accessToken) => {
      socket.off("error", hangUp);
      webSockets.handleUpgrade(request, socket, head, (webSocket) => connected(webSocket, accessToken));
    },
    (error: unknown) => reject(socket, error),
  );
});

function reject(socket: Duplex, error: unknown): void {
  const { status, headers } =
    error instanceof AccessTokenError ? authenticator.rejection(error) : { status: 500, headers: {} };
  const lines = Object.entries({ ...headers, Connection: "close", "Content-Length": 0 });
  const fields = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  socket.once("finish", () => socket.destroy());
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${fields}\r\n`);
}

function connected(webSocket: WebSocket, { claims }: AccessToken): void {
  webSocket.on("error", () => webSocket.terminate());
  webSocket.send(JSON.stringify({ client: claims.client_id }));
}
