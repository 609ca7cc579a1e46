import type { IncomingMessage } from "node:http";
import { WebSocket } from "ws";
import { check, type Credentials, kit, type Outcome } from "../check.js";

const { server } = await import("./server.js");
const { url } = await kit.startServer(server);
await check(open);

/** Opens a WebSocket, reads its first message or the rejecting response, and closes it. */
function open({ identity, token }: Credentials): Promise<Outcome> {
  const webSocket = new WebSocket(url.replace("https:", "wss:"), {
    ca: kit.ca.certificate,
    ...(identity && { cert: identity.certificate, key: identity.key }),
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
  });
  return new Promise((resolve, reject) => {
    webSocket.once("error", reject);
    webSocket.once("message", (data) => {
      webSocket.close();
      resolve({ status: 200, ...(JSON.parse((data as Buffer).toString()) as { client: string }) });
    });
    webSocket.once("unexpected-response", (_request, { statusCode = 0, headers }: IncomingMessage) => {
      webSocket.terminate();
      resolve({ status: statusCode, challenge: headers["www-authenticate"] });
    });
  });
}
