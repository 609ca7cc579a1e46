import { createServer, type RequestListener } from "node:http";
import { createServer as createTcpServer, type Socket } from "node:net";
import { setImmediate } from "node:timers/promises";
import { startServer } from "@certbound/testing";
import { exportJWK, generateKeyPair } from "jose";
import { describe, expect, onTestFinished, test } from "vitest";
import { IssuerRequestError } from "../../../src/issuer/issuer-request.ts";
import { createVerifier } from "../../../src/verifier.ts";
import { endpointOf, secret, startIntrospectionEndpoint } from "../../support/introspection-endpoint.ts";
import { type Responder, hangUp, json, silent, startEndpoint, status } from "../../support/endpoint.ts";
import { outcomeOf, reasonOf } from "../../support/outcome.ts";
import { shortenTimeouts } from "../../support/timeouts.ts";
import { startHttpsServer } from "../../support/tls-server.ts";

const active = JSON.stringify({ active: true });
const complete = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${active.length}\r\n\r\n${active}`;

type Reaction = (socket: Socket) => void;
const close: Reaction = (socket) => socket.destroy();
const reset: Reaction = (socket) => socket.resetAndDestroy();
const respond: Reaction = (socket) => socket.end(complete);
const sendBytes =
  (bytes: string): Reaction =>
  (socket) =>
    socket.write(bytes, () => socket.destroy());

/**
 * Starts a server that handles the first data of each connection with the next reaction, and further connections with the
 * last reaction.
 */
async function startSockets(...reactions: readonly Reaction[]) {
  const requests: string[] = [];
  const server = createTcpServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", (bytes) => {
      requests.push(bytes.toString("latin1"));
      reactions[Math.min(requests.length, reactions.length) - 1]?.(socket);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  onTestFinished(() => void server.close());
  const { port } = server.address() as { readonly port: number };
  return { url: `http://127.0.0.1:${port}`, requests };
}

const introspect = (endpoint: string, options: object = {}) =>
  endpointOf({ ...secret, endpoint, ...options }).introspect("token");

describe("an introspection request", () => {
  test.each([
    ["closed", close],
    ["reset", reset],
  ])("is sent once more if the connection is %s before a response", async (_name, failing) => {
    const { url, requests } = await startSockets(failing, respond);
    expect(await introspect(url)).toEqual({ active: true });
    expect(requests).toHaveLength(2);
    expect(requests[1]).toBe(requests[0]);
  });

  test("is sent at most twice", async () => {
    const { url, requests } = await startSockets(close, close, respond);
    expect(await reasonOf(introspect(url))).toBeInstanceOf(IssuerRequestError);
    expect(requests).toHaveLength(2);
    expect(await introspect(url)).toEqual({ active: true });
    expect(requests).toHaveLength(3);
  });

  test("is sent once more if the server closes a kept-alive connection", async () => {
    const seen = new Map<unknown, number>();
    const listener: RequestListener = (request, response) => {
      const count = (seen.get(request.socket) ?? 0) + 1;
      seen.set(request.socket, count);
      if (count === 1) json({ active: true })(response, "");
      else request.socket.destroy();
    };
    const server = await startServer(createServer(listener));
    onTestFinished(server.close);
    const endpoint = endpointOf({ ...secret, endpoint: server.url });
    const isReused = () => [...seen.values()].includes(2);
    for (let round = 0; round < 100 && !isReused(); round += 1) {
      expect(await endpoint.introspect("token")).toEqual({ active: true });
      // fetch needs some turns to detect that the connection is idle.
      for (let turn = 0; turn < 5; turn += 1) await setImmediate();
    }
    expect(isReused()).toBe(true);
  });

  test("is sent once more with a new client assertion", async () => {
    const { privateKey } = await generateKeyPair("ES256", { extractable: true });
    const { url, respondWith, recordedRequests } = await startIntrospectionEndpoint((response) => {
      respondWith(json({ active: true }));
      response.destroy();
    });
    const clientKey = { ...(await exportJWK(privateKey)), alg: "ES256" };
    expect(await endpointOf({ clientId: "api", clientKey, endpoint: url }).introspect("token")).toEqual({
      active: true,
    });
    expect(new Set(recordedRequests.map(({ form }) => form["client_assertion"])).size).toBe(2);
  });

  test("shares its time limit with the second attempt", async () => {
    const { url, requests } = await startSockets(close, () => {});
    // The time limit must be long enough for both requests to reach the server.
    const limits = shortenTimeouts(10);
    expect(String(await reasonOf(introspect(url)))).toContain("no complete response within 5 s");
    expect({ limits, requests: requests.length }).toEqual({ limits: [5000], requests: 2 });
  });

  test("is not sent again after the time limit, even if a custom fetch ignores the signal", async () => {
    shortenTimeouts();
    let sent = 0;
    const lateFetch: typeof fetch = async (_url, init) => {
      sent += 1;
      await new Promise<void>((resolve) => {
        init?.signal?.addEventListener("abort", () => resolve());
      });
      throw new TypeError("fetch failed", { cause: Object.assign(new Error("closed"), { code: "ECONNRESET" }) });
    };
    const endpoint = endpointOf({ ...secret, endpoint: "https://as.example" }, { fetch: lateFetch });
    expect(String(await reasonOf(endpoint.introspect("token")))).toContain("no complete response within 5 s");
    expect(sent).toBe(1);
  });

  test.each<[string, Reaction]>([
    ["a response that ends within its body", sendBytes(complete.slice(0, -1))],
    ["a response that is not HTTP", sendBytes("SSH-2.0-OpenSSH_9.2\r\n")],
    ["a redirect", sendBytes("HTTP/1.1 302 Found\r\nlocation: /\r\ncontent-length: 0\r\n\r\n")],
    ["status 500", sendBytes("HTTP/1.1 500 Error\r\ncontent-length: 0\r\n\r\n")],
    ["an empty response", sendBytes("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")],
  ])("is not sent again after %s", async (_name, failing) => {
    const { url, requests } = await startSockets(failing, respond);
    expect(await reasonOf(introspect(url))).toBeInstanceOf(IssuerRequestError);
    expect(requests).toHaveLength(1);
  });

  test.each<[string, Responder]>([
    ["status 503", status(503, {})],
    ["no response within the time limit", silent],
  ])("is not sent again after %s", async (_name, failing) => {
    const { url, respondWith, requests } = await startEndpoint(failing);
    shortenTimeouts(10);
    expect(await reasonOf(introspect(url))).toBeInstanceOf(IssuerRequestError);
    expect(requests).toHaveLength(1);
    respondWith(json({ active: true }));
    expect(await introspect(url)).toEqual({ active: true });
  });

  test("is not sent again if the certificate of the server is not trusted", async () => {
    let connections = 0;
    const { url } = await startHttpsServer((_request, response) => void response.end(), {
      SNICallback: (_name: string, done: (error: null) => void) => {
        connections += 1;
        done(null);
      },
    });
    expect(await reasonOf(introspect(url.replace("127.0.0.1", "localhost")))).toBeInstanceOf(IssuerRequestError);
    expect(connections).toBe(1);
  });

  test("is not sent again if the host is not found", async () => {
    let sent = 0;
    const failing: typeof fetch = async () => {
      sent += 1;
      throw new TypeError("fetch failed", { cause: Object.assign(new Error("unknown"), { code: "ENOTFOUND" }) });
    };
    const endpoint = endpointOf({ ...secret, endpoint: "https://as.example" }, { fetch: failing });
    expect(await reasonOf(endpoint.introspect("token"))).toBeInstanceOf(IssuerRequestError);
    expect(sent).toBe(1);
  });
});

test("requests for keys and metadata are not sent again", async () => {
  const { url, requests } = await startEndpoint(hangUp);
  const keys = createVerifier({ issuer: url, audience: null, jwks: `${url}/jwks` });
  expect(await outcomeOf(keys.ready())).toBe("ERR_KEYS_UNAVAILABLE");
  expect(requests).toEqual(["/jwks"]);
  const introspection = endpointOf(secret, { issuer: url });
  expect(await reasonOf(introspection.ready())).toBeInstanceOf(IssuerRequestError);
  const locations = ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"];
  expect(requests).toEqual(["/jwks", ...locations]);
});
