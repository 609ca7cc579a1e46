import { exportJWK, generateKeyPair } from "jose";
import { describe, expect, test } from "vitest";
import { discoverMetadata } from "../../src/issuer/discovery.ts";
import { boundedFetch, IssuerRequestError } from "../../src/issuer/issuer-request.ts";
import { createVerifier } from "../../src/verifier.ts";
import {
  type Responder,
  endless,
  type Endpoint,
  hangUp,
  json,
  redirect,
  silent,
  stalled,
  startEndpoint,
  status,
  text,
} from "../support/endpoint.ts";
import { outcomeOf, reasonOf, rejectionOf } from "../support/outcome.ts";
import { shortenTimeouts } from "../support/timeouts.ts";

const oauth = "/.well-known/oauth-authorization-server";
const oidc = "/.well-known/openid-configuration";

const { publicKey: generated } = await generateKeyPair("ES256");
const publicKey = await exportJWK(generated);

/** Starts an issuer that serves documents by path, and responds with 404 to all other paths. */
async function startIssuer(documents: (origin: string) => Readonly<Record<string, Responder>>): Promise<Endpoint> {
  const endpoint = await startEndpoint(status(404, {}));
  endpoint.respondWith((response, path) => {
    (documents(endpoint.url)[path] ?? status(404, {}))(response, path);
  });
  return endpoint;
}

function discover(issuer: string): Promise<string> {
  return discoverMetadata(issuer, "jwks_uri", boundedFetch(fetch)).then((metadata) => metadata.jwks_uri);
}

async function expectNoKeys(issuer: string): Promise<void> {
  expect(await reasonOf(discover(issuer))).toBeInstanceOf(IssuerRequestError);
}

describe("discoverMetadata", () => {
  test("uses the document of RFC 8414, and does not request the document of OpenID Connect", async () => {
    const { url, requests } = await startIssuer((origin) => ({
      [oauth]: json({ issuer: origin, jwks_uri: `${origin}/keys` }),
      [oidc]: json({ issuer: origin, jwks_uri: `${origin}/other` }),
    }));
    expect(await discover(url)).toBe(`${url}/keys`);
    expect(requests).toEqual([oauth]);
  });

  test.each<[string, Responder]>([
    ["is missing", status(404, {})],
    ["fails with status 500", status(500, {})],
    ["is HTML", text("<html>", "text/html")],
    ["is for another issuer", json({ issuer: "https://other.example", jwks_uri: "https://other.example/keys" })],
    ["has no jwks_uri", (response, path) => json({ issuer: `http://${response.req.headers.host}` })(response, path)],
  ])("uses the document of OpenID Connect if the document of RFC 8414 %s", async (_name, responder) => {
    const { url, requests } = await startIssuer((origin) => ({
      [oauth]: responder,
      [oidc]: json({ issuer: origin, jwks_uri: `${origin}/keys` }),
    }));
    expect(await discover(url)).toBe(`${url}/keys`);
    expect(requests).toEqual([oauth, oidc]);
  });

  describe.each<[string, Responder, string]>([
    ["breaks the connection", hangUp, "the request failed because of the address, TLS or the network"],
    ["does not respond", silent, "no complete response within 5 s"],
    ["responds with half a document", stalled, "no complete response within 5 s"],
    ["responds with more than 1 MiB", endless, "the response is longer than 1 MiB"],
    ["responds with status 404", status(404, {}), "status 404"],
    ["redirects", redirect("/"), "status 302"],
    [
      "responds with malformed JSON",
      text('{"issuer":', "application/json"),
      "malformed, or its issuer does not match the configured one",
    ],
    [
      "responds for another issuer",
      json({ issuer: "https://MARKER.example" }),
      "malformed, or its issuer does not match the configured one",
    ],
    [
      "publishes a document without jwks_uri",
      (response, path) => json({ issuer: `http://${response.req.headers.host}/t` })(response, path),
      "jwks_uri is missing, or is not an https URL",
    ],
  ])("an issuer whose first location %s", (_name, failing, reason) => {
    const [first, second] = [`${oauth}/t`, `/t${oidc}`];

    test("is found at the second location", async () => {
      // The time limit must be long enough for the other responses.
      shortenTimeouts(20);
      const { url, requests } = await startIssuer((origin) => ({
        [first]: failing,
        [second]: json({ issuer: `${origin}/t`, jwks_uri: `${origin}/keys` }),
        "/keys": json({ keys: [publicKey] }),
      }));
      expect(await discover(`${url}/t`)).toBe(`${url}/keys`);
      expect(requests).toEqual([first, second]);
      expect(await outcomeOf(createVerifier({ issuer: `${url}/t`, audience: null }).ready())).toBe("accepted");
    });

    test("is not found if the second location fails too, and the detail contains both failures", async () => {
      // The time limit must be long enough for the other response.
      shortenTimeouts(20);
      const { url, requests } = await startIssuer(() => ({ [first]: failing, [second]: status(503, {}) }));
      const { message } = (await reasonOf(discover(`${url}/t`))) as IssuerRequestError;
      expect(requests).toEqual([first, second]);
      const [one = "", other = "", ...more] = message.split("; ");
      expect(one.startsWith(`${oauth}: ${reason}`)).toBe(true);
      expect(other).toBe(`${oidc}: status 503`);
      expect(more).toEqual([]);
      const { detail } = await rejectionOf(createVerifier({ issuer: `${url}/t`, audience: null }).ready());
      expect(detail).toContain(message);
      expect(detail?.replace(`${url}/t: `, "")).not.toMatch(/MARKER|127\.0\.0\.1/);
    });
  });

  test("waits at most 5 s for each of the two locations", async () => {
    // The time limit must be long enough for both requests to reach the server.
    const limits = shortenTimeouts(20);
    const { url, requests } = await startIssuer(() => ({ [oauth]: silent, [oidc]: stalled }));
    const { message } = (await reasonOf(discover(url))) as IssuerRequestError;
    const late = "no complete response within 5 s";
    expect(message).toBe(`${oauth}: ${late}; ${oidc}: ${late}`);
    expect({ limits, requests }).toEqual({ limits: [5000, 5000], requests: [oauth, oidc] });
  });

  test("inserts the path of RFC 8414 before the path of the issuer, and appends the path of OpenID Connect", async () => {
    for (const path of ["/tenant/a", "/tenant/a/"]) {
      const { url, requests } = await startIssuer(() => ({}));
      await expectNoKeys(url + path);
      expect(requests).toEqual([`${oauth}/tenant/a`, `/tenant/a${oidc}`]);
    }
  });

  test.each([
    ["", "", true],
    ["/", "/", true],
    ["", "/", false],
    ["/", "", false],
    ["/tenant", "/tenant", true],
    ["/tenant/", "/tenant/", true],
    ["/tenant", "/tenant/", false],
    ["/tenant/", "/tenant", false],
    ["/tenant", "/Tenant", false],
    ["/tenant", "/x/../tenant", false],
    ["/a%20b", "/a b", false],
  ])("compares issuers character by character: configured %j, named %j (I-05)", async (configured, named, same) => {
    const { url } = await startEndpoint((response, path) => {
      const origin = `http://${response.req.headers.host}`;
      json({ issuer: origin + named, jwks_uri: `${origin}/keys` })(response, path);
    });
    const found = await discover(url + configured).catch((error: unknown) => error);
    expect({ found: found === `${url}/keys`, rejected: found instanceof IssuerRequestError }).toEqual({
      found: same,
      rejected: !same,
    });
  });

  test.each<[string, (origin: string) => unknown]>([
    ["a list instead of an object", () => []],
    ["null", () => null],
    ["no issuer", (origin) => ({ jwks_uri: `${origin}/keys` })],
    ["an issuer that is not a string", (origin) => ({ issuer: [origin], jwks_uri: `${origin}/keys` })],
    [
      "another name of the same host",
      (origin) => ({ issuer: origin.replace("127.0.0.1", "localhost"), jwks_uri: origin }),
    ],
    ["another scheme", (origin) => ({ issuer: origin.replace("http", "https"), jwks_uri: origin })],
    ["no jwks_uri", (origin) => ({ issuer: origin })],
    ["a jwks_uri that is not a URL", (origin) => ({ issuer: origin, jwks_uri: "/keys" })],
    ["a jwks_uri that is not a string", (origin) => ({ issuer: origin, jwks_uri: [`${origin}/keys`] })],
    ["a jwks_uri with http on another host", (origin) => ({ issuer: origin, jwks_uri: "http://192.0.2.1/keys" })],
    [
      "a jwks_uri that only looks like loopback",
      (origin) => ({ issuer: origin, jwks_uri: "http://127.0.0.1.example" }),
    ],
    [
      "a jwks_uri with credentials",
      (origin) => ({ issuer: origin, jwks_uri: `${origin.replace("://", "://user:password@")}/keys` }),
    ],
    ["a jwks_uri with the scheme file", (origin) => ({ issuer: origin, jwks_uri: "file:///etc/keys" })],
    ["a jwks_uri with the scheme data", (origin) => ({ issuer: origin, jwks_uri: "data:application/json,{}" })],
  ])("rejects a document with %s", async (_name, document) => {
    const { url } = await startEndpoint((response, path) => {
      json(document(`http://${response.req.headers.host}`))(response, path);
    });
    await expectNoKeys(url);
  });

  test("requests JSON", async () => {
    const issuer = "https://issuer.example";
    const accepted: unknown[] = [];
    await discoverMetadata(issuer, "jwks_uri", async (_url, init) => {
      accepted.push(new Headers(init?.headers).get("accept"));
      return Response.json({ issuer, jwks_uri: "https://issuer.example/jwks" });
    });
    expect(accepted).toEqual(["application/json"]);
  });

  test("accepts a jwks_uri with https on another host", async () => {
    const { url } = await startIssuer((origin) => ({
      [oauth]: json({ issuer: origin, jwks_uri: "https://keys.example/jwks" }),
    }));
    expect(await discover(url)).toBe("https://keys.example/jwks");
  });

  test("rejects a jwks_uri with http, even on loopback, if the issuer has https", async () => {
    const issuer = "https://issuer.example";
    const respondWith = (jwks_uri: string) => async () => Response.json({ issuer, jwks_uri });
    const found = (jwks_uri: string) => discoverMetadata(issuer, "jwks_uri", respondWith(jwks_uri));
    expect(await reasonOf(found("http://127.0.0.1/keys"))).toBeInstanceOf(IssuerRequestError);
    expect(await found("https://127.0.0.1/keys")).toMatchObject({ jwks_uri: "https://127.0.0.1/keys" });
  });

  test("does not follow a redirect to a good document (N-07)", async () => {
    const good = await startIssuer(() => ({}));
    const { url } = await startIssuer(() => ({ [oauth]: redirect(good.url), [oidc]: redirect(good.url) }));
    good.respondWith(json({ issuer: url, jwks_uri: `${url}/keys` }));
    await expectNoKeys(url);
    expect(good.requests).toEqual([]);
  });

  test("does not quote received data in the error", async () => {
    const { url } = await startEndpoint(json({ issuer: "https://MARKER.example", jwks_uri: "MARKER" }));
    const { message, stack, cause } = (await reasonOf(discover(url))) as IssuerRequestError;
    expect(`${message} ${stack} ${String(cause)}`).not.toContain("MARKER");
  });
});
