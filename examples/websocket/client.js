import { once } from "node:events";
import { json } from "node:stream/consumers";
import { WebSocket } from "ws";

/** Opens a WebSocket. Resolves with it, or with the HTTP response that rejected it after the connection is closed. */
export function openWebSocket(url, { ca, identity, token, ...options }) {
  const tls = { ca, cert: identity?.certificate, key: identity?.key };
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const webSocket = new WebSocket(url.replace("https:", "wss:"), { ...tls, headers, ...options });
  return new Promise((resolve, reject) => {
    webSocket.once("error", reject);
    webSocket.once("open", () => resolve(webSocket));
    webSocket.once("unexpected-response", (_request, response) => readRejection(response).then(resolve, reject));
  });
}

async function readRejection(response) {
  const closed = once(response.socket, "close");
  const body = await json(response);
  await closed;
  return { status: response.statusCode, challenge: response.headers["www-authenticate"], body };
}

/** Waits for the next message. */
export async function nextMessage(webSocket) {
  const [data] = await once(webSocket, "message");
  return JSON.parse(data);
}
