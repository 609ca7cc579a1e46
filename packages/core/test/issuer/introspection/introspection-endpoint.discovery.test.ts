import { describe, expect, test } from "vitest";
import { IssuerRequestError } from "../../../src/issuer/issuer-request.ts";
import { RemoteFailure } from "../../../src/issuer/remote-value.ts";
import { endpointOf, secret } from "../../support/introspection-endpoint.ts";
import {
  type Responder,
  endless,
  type Endpoint,
  hangUp,
  json,
  silent,
  startEndpoint,
  status,
  text,
} from "../../support/endpoint.ts";
import { reasonOf } from "../../support/outcome.ts";
import { shortenTimeouts } from "../../support/timeouts.ts";

const oauth = "/.well-known/oauth-authorization-server";
const oidc = "/.well-known/openid-configuration";
const minute = 60_000;

type Documents = Readonly<Record<string, Responder>>;

/** Starts an issuer with the given documents. All other paths respond that the token is active. */
async function startIssuer(documents: (origin: string) => Documents): Promise<Endpoint> {
  const endpoint = await startEndpoint(json({ active: true }));
  endpoint.respondWith((response, path) => {
    const missing = path.startsWith("/.well-known/") ? status(404, {}) : json({ active: true, path });
    (documents(endpoint.url)[path] ?? missing)(response, path);
  });
  return endpoint;
}

/** Starts an issuer whose metadata has an introspection endpoint with the given path. */
function startIssuerWith(path: () => string): Promise<Endpoint> {
  return startIssuer((issuer) => ({ [oauth]: json({ issuer, introspection_endpoint: issuer + path() }) }));
}

async function expectFailure(promise: Promise<unknown>): Promise<void> {
  expect(await reasonOf(promise)).toBeInstanceOf(IssuerRequestError);
}

describe("the introspection endpoint", () => {
  test("is read from the metadata of RFC 8414", async () => {
    const { url, requests } = await startIssuer((issuer) => ({
      [oauth]: json({ issuer, introspection_endpoint: `${issuer}/a?b=c` }),
      [oidc]: json({ issuer, introspection_endpoint: `${issuer}/other` }),
    }));
    expect(await endpointOf(secret, { issuer: url }).introspect("token")).toEqual({ active: true, path: "/a?b=c" });
    expect(requests).toEqual([oauth, "/a?b=c"]);
  });

  test.each<[string, (issuer: string) => Responder]>([
    ["is missing", () => status(404, {})],
    ["fails with status 500", () => status(500, {})],
    ["is HTML", () => text("<html>", "text/html")],
    ["breaks the connection", () => hangUp],
    ["is longer than 1 MiB", () => endless],
    ["is half a document", () => text('{"issuer":', "application/json")],
    ["does not arrive within the time limit", () => silent],
    ["has no introspection_endpoint", (issuer) => json({ issuer, jwks_uri: `${issuer}/keys` })],
    ["has an introspection_endpoint that is not a URL", (issuer) => json({ issuer, introspection_endpoint: "/a" })],
    [
      "has an introspection_endpoint that is not a string",
      (issuer) => json({ issuer, introspection_endpoint: [`${issuer}/a`] }),
    ],
    [
      "has an introspection_endpoint with http on another host",
      (issuer) => json({ issuer, introspection_endpoint: "http://192.0.2.1/a" }),
    ],
    ["is for another issuer", (issuer) => json({ issuer: `${issuer}/`, introspection_endpoint: `${issuer}/a` })],
  ])("is read from the metadata of OpenID Connect if the document of RFC 8414 %s", async (_name, responder) => {
    shortenTimeouts(10);
    const { url, requests } = await startIssuer((issuer) => ({
      [oauth]: responder(issuer),
      [oidc]: json({ issuer, introspection_endpoint: `${issuer}/b` }),
    }));
    expect(await endpointOf(secret, { issuer: url }).introspect("token")).toEqual({ active: true, path: "/b" });
    expect(requests).toEqual([oauth, oidc, "/b"]);
    const alone = await startIssuer((issuer) => ({ [oauth]: responder(issuer) }));
    await expectFailure(endpointOf(secret, { issuer: alone.url }).introspect("token"));
    await expectFailure(endpointOf(secret, { issuer: alone.url }).ready());
    await endpointOf(secret, { issuer: url }).ready();
    expect(alone.requests).toEqual([oauth, oidc, oauth, oidc]);
  });

  test("is rejected with http, even on loopback, if the issuer has https", async () => {
    const issuer = "https://as.example";
    const introspectAt = async (introspection_endpoint: string) => {
      const sent: string[] = [];
      const respond: typeof fetch = async (target) => {
        const { url } = new Request(target);
        sent.push(url);
        const isMetadata = url.includes("/.well-known/");
        return Response.json(isMetadata ? { issuer, introspection_endpoint } : { active: true });
      };
      const result = await endpointOf(secret, { issuer, fetch: respond })
        .introspect("token")
        .catch((error: unknown) => error instanceof IssuerRequestError);
      return { result, sent };
    };
    const http = await introspectAt("http://127.0.0.1/introspect");
    expect(http).toEqual({ result: true, sent: [issuer + oauth, issuer + oidc] });
    const https = await introspectAt("https://127.0.0.1/introspect");
    expect(https).toEqual({ result: { active: true }, sent: [issuer + oauth, "https://127.0.0.1/introspect"] });
  });
});

describe("the metadata", () => {
  test("is fetched once for simultaneous requests", async () => {
    const { url, requests } = await startIssuerWith(() => "/a");
    const endpoint = endpointOf(secret, { issuer: url });
    await Promise.all(Array.from({ length: 20 }, (_, index) => endpoint.introspect(`token-${index}`)));
    await endpoint.introspect("token");
    expect(requests.filter((path) => path !== "/a")).toEqual([oauth]);
    expect(requests.filter((path) => path === "/a")).toHaveLength(21);
  });

  test("is fetched by ready(), which does not introspect any token", async () => {
    const { url, requests } = await startIssuerWith(() => "/a");
    const endpoint = endpointOf(secret, { issuer: url });
    await endpoint.ready();
    expect(requests).toEqual([oauth]);
    await endpoint.introspect("token");
    expect(requests).toEqual([oauth, "/a"]);
  });

  test("is required by ready()", async () => {
    const { url } = await startIssuer(() => ({}));
    await expectFailure(endpointOf(secret, { issuer: url }).ready());
  });

  test("is used for a limited time if it can no longer be fetched", async () => {
    let time = 1;
    let broken = false;
    const { url, requests } = await startIssuer((issuer) => ({
      [oauth]: broken ? status(500, {}) : json({ issuer, introspection_endpoint: `${issuer}/a` }),
    }));
    const endpoint = endpointOf(secret, { issuer: url }, () => time);
    await endpoint.introspect("token");
    broken = true;
    time += 69 * minute;
    expect(await endpoint.introspect("token")).toMatchObject({ active: true });
    expect(requests).toEqual([oauth, "/a", oauth, oidc, "/a"]);
    time += 2 * minute;
    await expectFailure(endpoint.introspect("token"));
    broken = false;
    time += minute;
    expect(await endpoint.introspect("token")).toMatchObject({ active: true });
  });

  test("is fetched again after ten minutes, and can name another endpoint", async () => {
    let time = 1;
    let path = "/a";
    const { url } = await startIssuerWith(() => path);
    const endpoint = endpointOf(secret, { issuer: url }, () => time);
    const responses = [await endpoint.introspect("token")];
    path = "/b";
    time += 5 * minute;
    responses.push(await endpoint.introspect("token"));
    time += 6 * minute;
    responses.push(await endpoint.introspect("token"));
    expect(responses).toMatchObject([{ path: "/a" }, { path: "/a" }, { path: "/b" }]);
  });

  test("is not fetched again immediately after a failure, and the error contains the delay", async () => {
    let time = 1;
    const { url, requests, respondWith } = await startEndpoint(status(500, {}));
    const endpoint = endpointOf(secret, { issuer: url }, () => time);
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const failure = await reasonOf(endpoint.introspect("token"));
      expect(failure).toBeInstanceOf(RemoteFailure);
      expect((failure as RemoteFailure).retryAfter).toBe(1);
    }
    expect(requests).toEqual([oauth, oidc]);
    respondWith((response, path) => json({ issuer: url, introspection_endpoint: url, active: true })(response, path));
    time += 1000;
    expect(await endpoint.introspect("token")).toMatchObject({ active: true });
  });
});
