import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import { createServer, type Server } from "node:https";
import type { TLSSocket } from "node:tls";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { openConnection, renegotiate } from "../../../test/helpers/renegotiation.ts";
import type { StartableServer } from "../src/start-server.ts";
import { createTestKit, type TestKitServerOptions } from "../src/test-kit.ts";

const kit = await createTestKit();
afterAll(kit.close);
const client = await kit.issueClientCertificate();
const otherHost = await kit.ca.issueServerCertificate();

type Listener = (request: IncomingMessage | Http2ServerRequest, response: ServerResponse | Http2ServerResponse) => void;
type Version = "TLSv1.2" | "TLSv1.3";

const respond: Listener = ({ socket }, response) => {
  response.end(`served ${(socket as TLSSocket).getPeerX509Certificate()?.subject}`);
};

/** The servers that accept `serverOptions`. The HTTP/2 server serves HTTP/1.1 here, because HTTP/2 forbids renegotiation. */
const servers: readonly (readonly [string, (options: TestKitServerOptions) => StartableServer])[] = [
  ["https.createServer", (options) => createServer(options, respond)],
  ["http2.createSecureServer", (options) => createSecureServer({ ...options, allowHTTP1: true }, respond)],
];
/** The second host has a separate TLS context, added by `server.addContext`, with other options. */
const hosts = [
  ["localhost", kit.serverOptions.cert],
  ["other.example", otherHost.certificate],
] as const;

describe.each(servers)("serverOptions of the kit, for %s", (_name, create) => {
  describe.each(hosts)("and the host %s", (servername, certificate) => {
    test.each<Version>(["TLSv1.2", "TLSv1.3"])("serve a client over %s", async (version) => {
      const socket = await open(create(kit.serverOptions), servername, version);
      expect(socket.getProtocol()).toBe(version);
      expect(socket.getPeerX509Certificate()?.toString()).toBe(certificate);
      expect(await request(socket)).toMatch(/served CN=client-1$/);
    });

    test("reject a TLS renegotiation", async () => {
      const socket = await open(create(kit.serverOptions), servername, "TLSv1.2");
      expect(await request(socket)).toMatch(/served CN=client-1$/);
      expect(await renegotiate(socket)).toMatchObject({ code: "ERR_SSL_NO_RENEGOTIATION" });
    });

    test("allow a TLS renegotiation with secureOptions: 0", async () => {
      const socket = await open(create({ ...kit.serverOptions, secureOptions: 0 }), servername, "TLSv1.2");
      expect(await renegotiate(socket)).toBeNull();
      expect(await request(socket)).toMatch(/served CN=client-1$/);
    });
  });
});

/** Starts a server, and opens a connection to one of its hosts. */
async function open(server: StartableServer, servername: string, version: Version): Promise<TLSSocket> {
  const { key, certificate: cert } = otherHost;
  // Both are TLS servers; the type of startServer includes plain HTTP.
  (server as Server).addContext("other.example", { key, cert, ca: kit.ca.certificate });
  const { url, close } = await kit.startServer(server);
  const socket = await openConnection(url, {
    servername,
    ca: kit.ca.certificate,
    cert: client.certificate,
    key: client.key,
    minVersion: version,
    maxVersion: version,
    ALPNProtocols: ["http/1.1"],
  });
  onTestFinished(async () => {
    socket.destroy();
    await close();
  });
  return socket;
}

async function request(socket: TLSSocket): Promise<string> {
  socket.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const [response] = await once(socket, "data");
  return String(response);
}
