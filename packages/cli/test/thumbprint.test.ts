import { createServer } from "node:https";
import {
  type CertificateAuthority,
  createCertificateAuthority,
  type Identity,
  type RunningServer,
  startServer,
} from "@certbound/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ThumbprintReport } from "../src/index.ts";
import { createFolder, type Folder, type Given, type Run, runCli } from "./running.ts";

let ca: CertificateAuthority;
let client: Identity;
let serverIdentity: Identity;
let server: RunningServer;
let folder: Folder;
beforeAll(async () => {
  ca = await createCertificateAuthority();
  [client, serverIdentity] = await Promise.all([ca.issueClientCertificate(), ca.issueServerCertificate()]);
  const { certificate: cert, key } = serverIdentity;
  server = await startServer(createServer({ cert: cert + ca.certificate, key }));
  folder = createFolder();
});
afterAll(async () => {
  folder.remove();
  await server.close();
});

async function report(source: string, given?: Given): Promise<ThumbprintReport> {
  return JSON.parse((await runCli(["thumbprint", source, "--all", "--json"], given)).stdout) as ThumbprintReport;
}

async function thumbprints(source: string, given?: Given): Promise<readonly string[]> {
  return (await report(source, given)).certificates.map((certificate) => certificate["x5t#S256"]);
}

test("thumbprint reads PEM, DER, a file with a key and a certificate, and standard input", async () => {
  expect(await thumbprints(folder.file("client.pem", client.certificate))).toEqual([client.thumbprint]);
  expect(await thumbprints(folder.file("client.der", client.der))).toEqual([client.thumbprint]);
  expect(await thumbprints(folder.file("both.pem", client.key + client.certificate))).toEqual([client.thumbprint]);
  expect(await thumbprints("-", { stdin: client.certificate })).toEqual([client.thumbprint]);
  expect(await thumbprints("-", { stdin: client.der })).toEqual([client.thumbprint]);
});

test("thumbprint prints the leaf of a chain first, regardless of the order in the file", async () => {
  const [root = ""] = await thumbprints("-", { stdin: ca.certificate });
  expect(await thumbprints("-", { stdin: client.certificate + ca.certificate })).toEqual([client.thumbprint, root]);
  expect(await thumbprints("-", { stdin: ca.certificate + client.certificate })).toEqual([client.thumbprint, root]);
});

test("thumbprint --all adds the hexadecimal forms", async () => {
  const hex = Buffer.from(client.thumbprint, "base64url").toString("hex");
  expect((await report("-", { stdin: client.certificate })).certificates).toEqual([
    expect.objectContaining({
      subject: "CN=client-1",
      hex,
      hexWithColons: hex.toUpperCase().replaceAll(/..(?!$)/g, "$&:"),
    }),
  ]);
  const { stdout } = await runCli(["thumbprint", "-"], { stdin: client.certificate });
  expect(stdout).toContain("valid to");
  expect(stdout).not.toContain(hex);
});

test("thumbprint reads the certificate of a server, and states that it is not a client's", async () => {
  const source = server.url.replace("https://127.0.0.1", "localhost");
  expect((await thumbprints(source))[0]).toBe(serverIdentity.thumbprint);
  expect((await runCli(["thumbprint", source])).stdout).toContain("certificates of the server");
});

test("thumbprint returns no result if the server cannot be reached", async () => {
  const closed = await startServer(createServer());
  await closed.close();
  expect(await report(closed.url.replace("https://", ""))).toMatchObject({
    exitCode: 3,
    certificates: [],
    fault: { id: "server-unreachable" },
  });
});

test.each([
  ["certificate-file-is-private-key", () => client.key],
  ["certificate-file-empty", () => ""],
  ["certificate-escaped-line-breaks", () => client.certificate.replaceAll("\n", String.raw`\n`)],
])("thumbprint reports the cause for a file without a certificate: %s", async (id, content) => {
  const { exitCode, stdout }: Run = await runCli(["thumbprint", "-", "--json"], { stdin: content() });
  expect({ exitCode, report: JSON.parse(stdout) as unknown }).toMatchObject({ exitCode: 1, report: { fault: { id } } });
  expect(stdout).not.toContain(client.key.slice(30, 90));
});

test.each([[[]], [["a", "b"]], [["/nowhere/client.pem"]], [["-", "--al"]]])(
  "thumbprint rejects the arguments %j",
  async (parameters) => {
    expect((await runCli(["thumbprint", ...parameters])).exitCode).toBe(2);
  },
);
