import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { boundedFetch, REQUEST_TIMEOUT, IssuerRequestError, MAX_BODY } from "../../src/issuer/issuer-request.ts";
import { endless, hangUp, json, redirect, silent, stalled, startEndpoint, status, text } from "../support/endpoint.ts";
import { reasonOf } from "../support/outcome.ts";

const fetchBounded = boundedFetch(fetch);

describe("boundedFetch", () => {
  test("returns the status, headers and body of the response", async () => {
    const { url, requests } = await startEndpoint(json({ a: 1 }));
    const response = await fetchBounded(`${url}/jwks?x=1`);
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(await response.json()).toEqual({ a: 1 });
    expect(requests).toEqual(["/jwks?x=1"]);
  });

  test("sends the given request headers", async () => {
    const { url } = await startEndpoint((response) => {
      response.end(JSON.stringify(response.req.headers.accept));
    });
    const response = await fetchBounded(url, { headers: { accept: "application/jwk-set+json" } });
    expect(await response.json()).toBe("application/jwk-set+json");
  });

  test.each([204, 304, 404, 500, 503])("returns the status %d unchanged", async (code) => {
    const { url } = await startEndpoint(status(code, { error: "x" }));
    expect((await fetchBounded(url)).status).toBe(code);
  });

  test("decodes a compressed body", async () => {
    const { url } = await startEndpoint((response) => {
      response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync('{"a":1}'));
    });
    expect(await (await fetchBounded(url)).json()).toEqual({ a: 1 });
  });

  test.each([301, 302, 303, 307, 308])("does not follow a redirect with status %d (N-07)", async (code) => {
    const target = await startEndpoint(json({ a: 1 }));
    const { url } = await startEndpoint(redirect(target.url, code));
    const response = await fetchBounded(url, { redirect: "follow" }).catch(() => undefined);
    expect(response?.ok ?? false).toBe(false);
    expect(target.requests).toEqual([]);
  });

  test("reads a body of 1 MiB, and rejects a longer body", async () => {
    const { url, respondWith } = await startEndpoint(text("x".repeat(MAX_BODY), "text/plain"));
    expect((await (await fetchBounded(url)).text()).length).toBe(1024 * 1024);
    respondWith(text("x".repeat(MAX_BODY + 1), "text/plain"));
    expect(await reasonOf(fetchBounded(url))).toBeInstanceOf(IssuerRequestError);
  });

  test("rejects an endless body and closes the connection (N-08)", async () => {
    let closed = (): void => {};
    const ended = new Promise<void>((resolve) => {
      closed = resolve;
    });
    const { url } = await startEndpoint((response, path) => {
      response.once("close", closed);
      endless(response, path);
    });
    expect(await reasonOf(fetchBounded(url))).toBeInstanceOf(IssuerRequestError);
    await ended;
  });

  test("rejects a small body that decompresses to a large one", async () => {
    const { url } = await startEndpoint((response) => {
      response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(Buffer.alloc(MAX_BODY * 8)));
    });
    expect(await reasonOf(fetchBounded(url))).toBeInstanceOf(IssuerRequestError);
  });

  test("rejects after 5 s if the server, the body or a custom fetch hangs (N-05)", async () => {
    const silentServer = await startEndpoint(silent);
    const stalledServer = await startEndpoint(stalled);
    const started = performance.now();
    const reasons = await Promise.all(
      [
        fetchBounded(silentServer.url),
        fetchBounded(stalledServer.url),
        boundedFetch(() => new Promise(() => {}))(silentServer.url),
        boundedFetch(async () => new Response(new ReadableStream()))(silentServer.url),
      ].map(reasonOf),
    );
    expect(reasons.map((reason) => reason instanceof IssuerRequestError)).toEqual([true, true, true, true]);
    expect(REQUEST_TIMEOUT).toBe(5000);
    expect(performance.now() - started).toBeGreaterThanOrEqual(4900);
  });

  test("does not send a request if the given signal is aborted", async () => {
    const { url, requests } = await startEndpoint(json({}));
    const reason = await reasonOf(fetchBounded(url, { signal: AbortSignal.abort() }));
    expect(reason).toMatchObject({ name: "IssuerRequestError", message: "no complete response within 5 s" });
    expect(requests).toEqual([]);
    expect((await fetchBounded(url, { signal: AbortSignal.timeout(10_000) })).status).toBe(200);
  });

  test("rejects with an IssuerRequestError if the connection fails", async () => {
    const { url, close } = await startEndpoint(hangUp);
    expect(await reasonOf(fetchBounded(url))).toBeInstanceOf(IssuerRequestError);
    await close();
    expect(await reasonOf(fetchBounded(url))).toBeInstanceOf(IssuerRequestError);
  });

  test.each<[string, typeof fetch]>([
    [
      "throws",
      () => {
        throw new Error("MARKER");
      },
    ],
    ["rejects", () => Promise.reject(new Error("MARKER"))],
    ["resolves with an object that is not a response", async () => ({ MARKER: 1 }) as unknown as Response],
    ["resolves with undefined", async () => undefined as unknown as Response],
    ["resolves with a network error", async () => Response.error()],
    [
      "resolves with a body that fails",
      async () => new Response(new ReadableStream({ pull: (c) => c.error("MARKER") })),
    ],
  ])("rejects with an IssuerRequestError that quotes nothing if fetch %s", async (_name, failing) => {
    const reason = await reasonOf(boundedFetch(failing)("https://issuer.example/MARKER"));
    expect(reason).toBeInstanceOf(IssuerRequestError);
    const { message, stack, cause } = reason as IssuerRequestError;
    expect(`${message} ${stack} ${String(cause)}`).not.toContain("MARKER");
  });
});
