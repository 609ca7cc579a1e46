import { spawn } from "node:child_process";
import { once } from "node:events";
import { linkSync, mkdtempSync, rmSync } from "node:fs";
import { request } from "node:http";
import { createServer, type ListenOptions } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { createSelfSignedCertificate } from "@certbound/testing";
import { expect, onTestFinished, test } from "vitest";

const program = fileURLToPath(new URL("listen-on-descriptor.mjs", import.meta.url));
const client = await createSelfSignedCertificate();
const headers = { "client-cert": `:${Buffer.from(client.der).toString("base64")}:` };

/** Starts the program with a socket that this process listens on, so that the program accepts the connections. */
async function passListeningSocket(options: ListenOptions): Promise<string> {
  const listener = createServer().listen(options);
  await once(listener, "listening");
  // The descriptor is available only in this undocumented member.
  const { fd } = Reflect.get(listener, "_handle") as { readonly fd: number };
  const child = spawn(process.execPath, [program], { stdio: ["ignore", "pipe", "inherit", fd] });
  const output = child.stdout as Readable;
  const address = JSON.stringify(listener.address());
  // Closing the listener removes its path.
  if (options.path !== undefined) linkSync(options.path, `${options.path}-passed`);
  listener.close();
  onTestFinished(async () => {
    if (child.kill()) await once(child, "close");
  });
  const exited = once(child, "exit").then(([code]) => Promise.reject(new Error(`the program exited with ${code}`)));
  exited.catch(() => {});
  const [line] = (await Promise.race([once(output, "data"), exited])) as [Buffer];
  // A server with the descriptor of a unix socket does not know the path.
  expect(line.toString().trim()).toBe(options.path === undefined ? address : "null");
  return address;
}

async function send(target: { readonly socketPath: string } | { readonly port: number }): Promise<string> {
  const sent = request({ ...target, headers, agent: false });
  sent.end();
  const [response] = (await once(sent, "response")) as [AsyncIterable<Buffer>];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

test.skipIf(process.platform === "win32")("trusts a unix socket that was passed as a file descriptor", async () => {
  const folder = mkdtempSync(join(tmpdir(), "certbound-socket-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "s");
  await passListeningSocket({ path });
  expect(await send({ socketPath: `${path}-passed` })).toBe(client.thumbprint);
});

test.skipIf(process.platform === "win32")("does not trust a port that was passed as a file descriptor", async () => {
  const address = JSON.parse(await passListeningSocket({ port: 0, host: "127.0.0.1" })) as { readonly port: number };
  expect(await send({ port: address.port })).toMatch(/^ERR_CERTIFICATE_UNTRUSTED: .*unix socket/);
});
