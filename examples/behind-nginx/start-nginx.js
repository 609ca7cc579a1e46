import { spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** Finds nginx in the PATH, or in the folders where Debian installs it. */
export function findNginx() {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/local/sbin", "/usr/sbin"];
  return folders.map((folder) => join(folder, "nginx")).find(isExecutable);
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Starts nginx in a folder with its certificates, and waits until it accepts connections. */
export async function startNginx(nginx, { folder, apiPort, secret }) {
  const port = await freePort();
  const values = { PORT: port, API_PORT: apiPort, SECRET: secret };
  const template = readFileSync(new URL("nginx.conf", import.meta.url), "utf8");
  const configuration = template.replaceAll(/@([A-Z_]+)@/g, (_placeholder, name) => values[name]);
  await writeFile(join(folder, "nginx.conf"), configuration, { mode: 0o600 });

  const child = spawn(nginx, ["-p", folder, "-e", "stderr", "-c", "nginx.conf"], { stdio: ["ignore", 2, 2] });
  process.once("exit", () => child.kill("SIGKILL"));
  while (!(await accepts(port))) {
    if (child.exitCode !== null) throw new Error(`nginx exited with ${child.exitCode}`);
    await sleep(10);
  }
  const stop = async () => {
    child.kill();
    await once(child, "exit");
  };
  return { url: `https://localhost:${port}`, stop };
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  await once(server.close(), "close");
  return port;
}

async function accepts(port) {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
