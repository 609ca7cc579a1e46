import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import { createServer as createHttpsServer } from "node:https";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { createCertificateAuthority, mtlsRequest, type RunningServer, startServer } from "@certbound/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createAuthenticator } from "../../src/authenticator.ts";
import type { NodeRequest } from "../../src/http/incoming-request.ts";
import { forwardedHeader } from "../../src/proxy/formats/forwarded-header.ts";
import { fromProxy } from "../../src/proxy/from-proxy.ts";
import { outcomeOf } from "../support/outcome.ts";
import { client, startIssuer, thief, verifierOf } from "../support/verification.ts";

const issuer = await startIssuer();
const token = await issuer.accessToken({ boundTo: client });
const ca = await createCertificateAuthority();
const { certificate: cert, key } = await ca.issueServerCertificate();

const forwarded = ({ der }: typeof client): string => `X-Cert: ${Buffer.from(der).toString("base64")}`;
const credentials = `Authorization: Bearer ${token}`;

const options = {
  verifier: verifierOf(issuer),
  certificateResolver: fromProxy(forwardedHeader({ header: "x-cert", encoding: "der-base64" }), {
    trust: { addresses: ["127.0.0.1"] },
  }),
};
const authenticators: ReadonlyMap<string, (request: NodeRequest) => Promise<unknown>> = new Map([
  ["/", createAuthenticator(options)()],
  ["/token-resolver", createAuthenticator({ ...options, tokenResolver: () => token })()],
]);

/** Responds with `accepted` or with the code of the error. */
const listener: RequestListener = (request, response) => {
  const authenticate = authenticators.get(request.url ?? "");
  if (authenticate === undefined) throw new Error("unknown path");
  void outcomeOf(authenticate(request)).then((outcome) => response.end(outcome));
};

type Listener = (request: Http2ServerRequest, response: Http2ServerResponse) => void;
const servers = {
  "node:http": () => createServer(listener),
  "node:https": () => createHttpsServer({ cert, key }, listener),
  // Its HTTP/1 requests and responses have the members that the listener uses.
  "node:http2 with allowHTTP1": () =>
    createSecureServer({ cert, key, allowHTTP1: true }, listener as unknown as Listener),
};

/** Starts an API with this limit of header fields; their size is not limited. */
function startApi(kind: keyof typeof servers, maxHeadersCount: number | undefined): Promise<RunningServer> {
  const limits = { maxHeaderSize: 131_072, ...(maxHeadersCount !== undefined && { maxHeadersCount }) };
  return startServer(Object.assign(servers[kind](), limits));
}

/** A list of `count` fields: `first`, then one-letter fields, then `last`. */
interface List {
  readonly count: number;
  readonly first: readonly string[];
  readonly last?: readonly string[];
}

/** A list without its length, and the path of the request. */
type Request = Omit<List, "count"> & { readonly path?: string };

/** Sends a request with a list of header fields over a new connection. Returns the outcome, or the status if it is not 200. */
async function send(url: string, path: string, { count, first, last = [] }: List): Promise<string> {
  const begin = ["Host: localhost", "Connection: close", ...first];
  const filler = Array.from({ length: count - begin.length - last.length }, () => "a:");
  const socket = await open(new URL(url));
  socket.write(`GET ${path} HTTP/1.1\r\n${[...begin, ...filler, ...last].join("\r\n")}\r\n\r\n`);
  const [head = "", body = ""] = (await received(socket)).split("\r\n\r\n", 2);
  const status = head.split(" ")[1] ?? "closed";
  return status === "200" ? body.replaceAll(/^[0-9a-f]+\r\n|\r\n[^]*$/g, "") : status;
}

async function open({ protocol, hostname, port }: URL): Promise<Socket> {
  const to = { host: hostname, port: Number(port) };
  const isTls = protocol === "https:";
  const socket = isTls
    ? connectTls({ ...to, servername: "localhost", ca: ca.certificate, ALPNProtocols: ["http/1.1"] })
    : connect(to);
  await once(socket, isTls ? "secureConnect" : "connect");
  return socket;
}

/** Reads until the connection closes. A server that responds with 431 may reset it. */
async function received(socket: Socket): Promise<string> {
  let text = "";
  socket.setEncoding("latin1");
  socket.on("data", (chunk: string) => {
    text += chunk;
  });
  socket.on("error", () => {});
  await new Promise((resolve) => void socket.once("close", resolve));
  return text;
}

/** How some versions of Node reject a list above the limit. */
const byNode = ["431", "closed"];

const kinds = ["node:http", "node:https", "node:http2 with allowHTTP1"] as const;
const limits = [
  ["not set", undefined, 1000],
  ["10", 10, 10],
  ["3000", 3000, 3000],
  ["0 (no limit)", 0, Infinity],
] as const;

describe.each(kinds)("an API on %s", (kind) => {
  describe.each(limits)("with maxHeadersCount %s", (_, maxHeadersCount, limit) => {
    let api: RunningServer;
    beforeAll(async () => {
      api = await startApi(kind, maxHeadersCount);
    });
    afterAll(() => api.close());

    const around = Number.isFinite(limit) ? [-1, 0, 1, 23, 24, 40, limit].map((more) => limit + more) : [3023, 5000];
    // In ascending order: the first incomplete length is the limit itself.
    const counts = [...new Set([6, 9, 999, 1000, 1001, 2000, ...around])].toSorted((one, other) => one - other);
    const complete = counts.filter((count) => count < limit);
    const incomplete = counts.filter((count) => count >= limit);

    /** Sends lists of these lengths, and expects the same outcome for all of them. */
    async function expectAll(expected: string, lengths: readonly number[], list: Request): Promise<void> {
      for (const count of lengths) {
        const { path = "/", ...rest } = list;
        expect([count, await send(api.url, path, { ...rest, count })]).toEqual([count, expected]);
      }
    }

    /** Expects that incomplete lists are rejected. Above the limit, Node itself may reject them first. */
    async function expectIncompleteRejected(expected: string, list: Request): Promise<void> {
      await expectAll(expected, incomplete.slice(0, 1), list);
      for (const count of incomplete.slice(1)) {
        const { path = "/", ...rest } = list;
        expect([expected, ...byNode]).toContain(await send(api.url, path, { ...rest, count }));
      }
    }

    test("accepts a request with a complete list, and rejects it with an incomplete list", async () => {
      const first = [credentials, forwarded(client)];
      await expectAll("accepted", complete, { first });
      await expectIncompleteRejected("ERR_REQUEST_MALFORMED", { first });
    });

    test("finds the certificate header at the end of a complete list", async () => {
      await expectAll("accepted", complete, { first: [credentials], last: [forwarded(client)] });
      await expectAll("ERR_BINDING_MISMATCH", complete, { first: [credentials], last: [forwarded(thief)] });
    });

    test("rejects a second certificate header at any position", async () => {
      const list = { first: [credentials, forwarded(client)], last: [forwarded(thief)] };
      await expectAll("ERR_CERTIFICATE_MALFORMED", complete, list);
      await expectIncompleteRejected("ERR_REQUEST_MALFORMED", list);
    });

    test("rejects a second Authorization header at any position", async () => {
      for (const second of [credentials, "Authorization: Bearer other", "Authorization: Basic eDp5"]) {
        const list = { first: [credentials, forwarded(client)], last: [second] };
        await expectAll("ERR_REQUEST_MALFORMED", complete, list);
        await expectIncompleteRejected("ERR_REQUEST_MALFORMED", list);
      }
    });

    test("rejects the certificate, not the request, if a tokenResolver finds the token", async () => {
      const list = { path: "/token-resolver", first: [forwarded(client)] };
      await expectAll("accepted", complete, list);
      await expectIncompleteRejected("ERR_CERTIFICATE_MALFORMED", list);
      await expectIncompleteRejected("ERR_CERTIFICATE_MALFORMED", { ...list, last: [forwarded(thief)] });
    });
  });
});

test("the limit applies to HTTP/1 requests and not to HTTP/2 requests", async () => {
  const { url, close } = await startApi("node:http2 with allowHTTP1", 5);
  try {
    const [name = "", value = ""] = forwarded(client).split(": ");
    const filler = Array.from({ length: 20 }, (_, index) => [`a${index}`, ""] as const);
    const headers = [[name, value] as const, ...filler];
    const http2 = await mtlsRequest(url, { ca: ca.certificate, token, headers, httpVersion: 2 });
    expect(http2.body).toBe("accepted");
    const http1 = await send(url, "/", { first: [credentials, forwarded(client)], count: 5 });
    expect(http1).toBe("ERR_REQUEST_MALFORMED");
  } finally {
    await close();
  }
});
