const INTERVAL = 30_000;

/** Pings a WebSocket every 30 s. Terminates it if no pong arrives before the next ping, because the client may be gone. */
export function watchHeartbeat(webSocket, { setTimeout: start, clearTimeout: stop }) {
  let isAlive = true;
  let timer;
  const beat = () => {
    if (!isAlive) return webSocket.terminate();
    isAlive = false;
    webSocket.ping();
    return wait();
  };
  const wait = () => {
    timer = start(beat, INTERVAL);
  };
  wait();
  webSocket.on("pong", () => {
    isAlive = true;
  });
  webSocket.on("close", () => stop(timer));
}
