import { createServer } from "node:http";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { createCertificateAuthority } from "../../src/certificates/certificate-authority.ts";
import { mtlsFetch, type MtlsFetchOptions } from "../../src/requests/mtls-fetch.ts";
import { startServer } from "../../src/start-server.ts";
import { type Echo, startEchoServer } from "../echo-server.ts";

type Settings = Parameters<typeof startEchoServer>[0];

/** Starts an echo server, and creates a fetch function that trusts it. */
async function setUp(settings?: Settings, options?: Partial<MtlsFetchOptions>) {
  const { ca, url } = await startEchoServer(settings);
  return { ca, url, fetch: mtlsFetch({ ca: ca.certificate, ...options }) };
}

async function echo(response: Promise<Response> | Response): Promise<Echo> {
  return (await (await response).json()) as Echo;
}

/** Returns the values of all header lines with this name, as received. */
function lines({ rawHeaders }: Echo, name: string): string[] {
  return rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name);
}

describe("mtlsFetch", () => {
  test("presents the identity's certificate", async () => {
    const { ca, url } = await setUp();
    const identity = await ca.issueClientCertificate();
    const seen = await echo(mtlsFetch({ ca: ca.certificate, identity })(url));
    expect(seen).toMatchObject({ authorized: true, thumbprint: identity.thumbprint });
  });

  test("presents no certificate without an identity", async () => {
    const { url, fetch } = await setUp();
    expect(await echo(fetch(url))).toMatchObject({ method: "GET", authorized: false, thumbprint: null });
  });

  test.each<[string, (url: string) => [string | URL | Request, RequestInit?]]>([
    ["a string", (url) => [`${url}/a?b=c`, { method: "post", headers: { "X-One": "1" }, body: "grüße" }]],
    ["a URL", (url) => [new URL("/a?b=c", url), { method: "POST", headers: [["x-one", "1"]], body: "grüße" }]],
    ["a Request", (url) => [new Request(`${url}/a?b=c`, { method: "POST", headers: { "x-one": "1" }, body: "grüße" })]],
  ])("accepts %s", async (_, parameters) => {
    const { url, fetch } = await setUp();
    const seen = await echo(fetch(...parameters(url)));
    expect(seen).toMatchObject({ method: "POST", path: "/a?b=c", body: "grüße" });
    expect(lines(seen, "x-one")).toEqual(["1"]);
    expect(lines(seen, "content-length")).toEqual(["7"]);
    expect(lines(seen, "content-type")).toEqual(["text/plain;charset=UTF-8"]);
  });

  test("sends forms and streams", async () => {
    const { url, fetch } = await setUp();
    const form = await echo(fetch(url, { method: "POST", body: new URLSearchParams({ a: "b c" }) }));
    expect(form).toMatchObject({ body: "a=b+c" });
    const body = new Blob(["stream", "ed"]).stream();
    const streamed = await echo(fetch(url, { method: "PUT", body, duplex: "half" } as RequestInit));
    expect(streamed).toMatchObject({ method: "PUT", body: "streamed" });
  });

  test("sends a length with an empty POST, but not with a GET", async () => {
    const { url, fetch } = await setUp();
    expect(lines(await echo(fetch(url, { method: "POST" })), "content-length")).toEqual(["0"]);
    expect(lines(await echo(fetch(url)), "content-length")).toEqual([]);
  });

  test("sends the token, unless the request has an Authorization field", async () => {
    const { url, fetch } = await setUp({}, { token: "t" });
    expect(lines(await echo(fetch(url)), "authorization")).toEqual(["Bearer t"]);
    const withAuthorization = fetch(url, { headers: { authorization: "Basic b" } });
    expect(lines(await echo(withAuthorization), "authorization")).toEqual(["Basic b"]);
  });

  test("returns a Response with status, headers, body and URL", async () => {
    const { url, fetch } = await setUp({
      respond: (_, response) => {
        response.writeHead(401, { "set-cookie": ["a=1", "b=2"], "www-authenticate": "Bearer" });
        response.end("not you");
      },
    });
    const response = await fetch(`${url}/a`);
    expect(response).toBeInstanceOf(Response);
    expect(response).toMatchObject({ ok: false, status: 401, statusText: "Unauthorized", url: `${url}/a` });
    expect(response.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
    expect(response.headers.get("www-authenticate")).toBe("Bearer");
    expect(await response.clone().text()).toBe("not you");
    expect(Buffer.from(await response.arrayBuffer()).toString()).toBe("not you");
  });

  test.each([204, 304])("returns a Response without a body for %i", async (status) => {
    const { url, fetch } = await setUp({ respond: (_, response) => void response.writeHead(status).end() });
    expect(await fetch(url)).toMatchObject({ status, body: null });
  });

  test("returns a Response without a body for HEAD", async () => {
    const { url, fetch } = await setUp();
    expect(await fetch(url, { method: "HEAD" })).toMatchObject({ status: 200, body: null });
  });

  test('returns a redirect instead of following it, or rejects with redirect: "error"', async () => {
    const { url, fetch } = await setUp({
      respond: (_, response) => void response.writeHead(302, { location: "/elsewhere" }).end(),
    });
    const response = await fetch(url);
    expect([response.status, response.headers.get("location")]).toEqual([302, "/elsewhere"]);
    await expect(fetch(url, { redirect: "error" })).rejects.toThrow(TypeError);
  });

  test("rejects with the reason of a signal that is aborted before or during the request", async () => {
    const abort = new AbortController();
    const reason = new Error("enough");
    const { url, fetch } = await setUp({ respond: () => abort.abort(reason) });
    await expect(fetch(url, { signal: abort.signal })).rejects.toBe(reason);
    await expect(fetch(url, { signal: abort.signal })).rejects.toBe(reason);
  });

  test("rejects a server with a certificate of another CA", async () => {
    const { url } = await setUp();
    const { certificate: ca } = await createCertificateAuthority();
    const response = mtlsFetch({ ca })(url);
    await expect(response).rejects.toThrow(TypeError);
    await expect(response).rejects.toMatchObject({ cause: { code: "SELF_SIGNED_CERT_IN_CHAIN" } });
  });

  test("verifies the server despite NODE_TLS_REJECT_UNAUTHORIZED=0", async () => {
    vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", "0");
    onTestFinished(() => void vi.unstubAllEnvs());
    const { url, fetch } = await setUp();
    const { certificate: ca } = await createCertificateAuthority();
    await expect(mtlsFetch({ ca })(url)).rejects.toMatchObject({ cause: { code: "SELF_SIGNED_CERT_IN_CHAIN" } });
    expect((await fetch(url)).status).toBe(200);
  });

  test.each(["TLSv1.2", "TLSv1.3"] as const)("rejects if the server rejects the client over %s", async (maxVersion) => {
    const { url, fetch } = await setUp({ rejectUnauthorized: true, maxVersion });
    await expect(fetch(url)).rejects.toThrow("fetch failed");
  });

  test("rejects if the connection is refused", async () => {
    const { certificate: ca } = await createCertificateAuthority();
    const { url, close } = await startServer(createServer());
    await close();
    const response = mtlsFetch({ ca })(url.replace("http:", "https:"));
    await expect(response).rejects.toMatchObject({ cause: { code: "ECONNREFUSED" } });
  });

  test("rejects an incomplete response", async () => {
    const { url, fetch } = await setUp({
      respond: (request, response) => {
        response.writeHead(200, { "content-length": 10 });
        (response as unknown as NodeJS.WritableStream).write("part", () => request.socket.destroy());
      },
    });
    await expect(fetch(url)).rejects.toThrow("fetch failed");
  });

  test.each([
    [16, "resolves"],
    [16.001, "rejects"],
  ] as const)("with a response of %d MiB %s", async (size, outcome) => {
    const body = Buffer.alloc(size * 1024 * 1024);
    const { url, fetch } = await setUp({ respond: (_, response) => void response.end(body) });
    const settled = await fetch(url).then(
      () => "resolves",
      () => "rejects",
    );
    expect(settled).toBe(outcome);
  });

  test("clears its timer after a response and after an error", async () => {
    const { url, fetch } = await setUp();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    await fetch(url);
    await expect(mtlsFetch({ ca: "none" })(url)).rejects.toThrow("fetch failed");
    expect(vi.getTimerCount()).toBe(0);
  });

  test("rejects if the server does not respond within ten seconds", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const { url, fetch } = await setUp({ respond: () => vi.advanceTimersByTime(10_000) });
    await expect(fetch(url)).rejects.toMatchObject({ cause: { message: "No complete response within 10000 ms" } });
  });

  test("rejects if the server does not complete its response within ten seconds", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const respond = (_: unknown, response: unknown) =>
      (response as NodeJS.WritableStream).write("part", () => vi.advanceTimersByTime(10_000));
    const { url, fetch } = await setUp({ respond: (request, response) => void respond(request, response) });
    await expect(fetch(url)).rejects.toThrow("fetch failed");
  });

  test.each(["http://127.0.0.1", "data:,", "no address"])("rejects the URL %s", async (url) => {
    const { fetch } = await setUp();
    await expect(fetch(url)).rejects.toThrow(TypeError);
  });

  test.each([{ ca: "" }, { ca: undefined }, { token: 1 }, { keepAlive: true }])("rejects %j", (options) => {
    expect(() => mtlsFetch({ ca: "PEM", ...options } as MtlsFetchOptions)).toThrow(TypeError);
  });
});
