import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { connect } from "node:net";
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from "jose";
import { describe, expect, onTestFinished, test } from "vitest";
import { createIntrospectionEndpoint } from "../../src/issuer/introspection-endpoint.ts";
import { createIssuer, type Issuer, type IssuerOptions } from "../../src/issuer/issuer.ts";
import { startServer } from "../../src/start-server.ts";

const signedType = "application/token-introspection+jwt";
const formType = "application/x-www-form-urlencoded";

async function startIssuer(options?: IssuerOptions): Promise<Issuer> {
  const issuer = await createIssuer(options);
  onTestFinished(issuer.close);
  return issuer;
}

/** Returns the form parameters of client_secret_post for the issuer's client. */
function credentials({ introspectionClient: { clientId, clientSecret } }: Issuer) {
  return { client_id: clientId, client_secret: clientSecret };
}

function basic(user: string, password: string) {
  return { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}` };
}

function post(issuer: Issuer, form: Record<string, string> | [string, string][], headers: Record<string, string> = {}) {
  return fetch(issuer.introspectionEndpoint, { method: "POST", body: new URLSearchParams(form), headers });
}

function introspect(issuer: Issuer, token: string, headers?: Record<string, string>) {
  return post(issuer, { token, ...credentials(issuer) }, headers);
}

/** Requests a signed response, and verifies it with the issuer's current keys. */
async function introspectSigned(issuer: Issuer, token: string) {
  const response = await introspect(issuer, token, { accept: signedType });
  const keys = createLocalJWKSet({ keys: [...issuer.jwks.keys] });
  const options = { issuer: issuer.issuer, audience: "api", typ: "token-introspection+jwt" };
  return { response, ...(await jwtVerify(await response.text(), keys, options)) };
}

async function expectRejection(response: Response, status: number, error: string) {
  expect([response.status, await response.json()]).toEqual([status, { error }]);
  expect(response.headers.get("content-type")).toBe("application/json");
  expect(response.headers.get("cache-control")).toBe("no-store");
}

describe("the response", () => {
  test("is JSON that must not be cached", async () => {
    const issuer = await startIssuer();
    const response = await introspect(issuer, await issuer.opaqueToken());
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(await response.json()).toMatchObject({ active: true, token_type: "Bearer", sub: "client-1" });
  });

  test("is for the token in the body, not in the URL", async () => {
    const issuer = await startIssuer();
    const url = new URL(`?token=${await issuer.opaqueToken()}`, issuer.introspectionEndpoint);
    const inUrl = await fetch(url, { method: "POST", body: new URLSearchParams(credentials(issuer)) });
    await expectRejection(inUrl, 400, "invalid_request");
  });

  test("does not depend on a token_type_hint", async () => {
    const issuer = await startIssuer();
    const form = { token: await issuer.opaqueToken(), token_type_hint: "refresh_token", ...credentials(issuer) };
    expect(await (await post(issuer, form)).json()).toMatchObject({ active: true });
  });

  test("depends on every character of the token", async () => {
    const issuer = await startIssuer();
    issuer.introspectAs("a+b c&d=ü", { active: true });
    expect(await (await introspect(issuer, "a+b c&d=ü")).json()).toEqual({ active: true });
    expect(await (await introspect(issuer, "a b c&d=ü")).json()).toEqual({ active: false });
  });
});

describe("a signed response", () => {
  test("is a JWT signed with the issuer's first key, with the client as audience", async () => {
    const issuer = await startIssuer({ algorithms: ["PS256", "ES256"], clock: () => 5_999 });
    const token = await issuer.opaqueToken({ boundTo: "thumbprint" });
    const { response, protectedHeader, payload } = await introspectSigned(issuer, token);
    const [key] = issuer.jwks.keys;
    expect([response.status, response.headers.get("content-type")]).toEqual([200, signedType]);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(protectedHeader).toEqual({ typ: "token-introspection+jwt", alg: "PS256", kid: key?.kid });
    const introspection: unknown = await (await introspect(issuer, token)).json();
    expect(introspection).toMatchObject({ active: true, cnf: { "x5t#S256": "thumbprint" } });
    expect(payload).toEqual({ iss: issuer.issuer, aud: "api", iat: 5, token_introspection: introspection });
  });

  test("has the configured identifier as issuer", async () => {
    const issuer = await startIssuer({ issuer: "https://issuer.example" });
    const { payload } = await introspectSigned(issuer, "unknown");
    expect(payload.iss).toBe("https://issuer.example");
  });

  test("is sent for an inactive token", async () => {
    const { payload } = await introspectSigned(await startIssuer(), "unknown");
    expect(payload["token_introspection"]).toEqual({ active: false });
  });

  test("contains an invalid response that a test has set", async () => {
    const issuer = await startIssuer();
    issuer.introspectAs("token", { active: "true", sub: 1 });
    const { payload } = await introspectSigned(issuer, "token");
    expect(payload["token_introspection"]).toEqual({ active: "true", sub: 1 });
  });

  test("is signed with the new key after a rotation", async () => {
    const issuer = await startIssuer();
    const token = await issuer.opaqueToken();
    const before = await (await introspect(issuer, token, { accept: signedType })).text();
    await issuer.rotateKeys();
    const { protectedHeader, payload } = await introspectSigned(issuer, token);
    expect(payload["token_introspection"]).toMatchObject({ active: true });
    expect(protectedHeader.kid).not.toBe(decodeProtectedHeader(before).kid);
    const old = jwtVerify(before, createLocalJWKSet({ keys: [...issuer.jwks.keys] }));
    await expect(old).rejects.toMatchObject({ code: "ERR_JWKS_NO_MATCHING_KEY" });
  });

  test.each([
    signedType,
    "Application/Token-Introspection+JWT",
    `${signedType};q=0.5`,
    `application/json, ${signedType}`,
    `text/html ,${signedType} , */*`,
  ])("is sent if the client accepts %s", async (accept) => {
    const issuer = await startIssuer();
    expect((await introspect(issuer, "unknown", { accept })).headers.get("content-type")).toBe(signedType);
  });

  test.each(["*/*", "application/*", "application/jwt", `${signedType}2`, "text/html; x=application/jwt", ""])(
    "is not sent if the client accepts %j",
    async (accept) => {
      const issuer = await startIssuer();
      expect((await introspect(issuer, "unknown", { accept })).headers.get("content-type")).toBe("application/json");
    },
  );

  test("is not sent to a client that is rejected", async () => {
    const issuer = await startIssuer();
    await expectRejection(await post(issuer, { token: "x" }, { accept: signedType }), 401, "invalid_client");
  });
});

describe("the client", () => {
  test("is authenticated by client_secret_basic", async () => {
    const issuer = await startIssuer();
    const { clientId, clientSecret } = issuer.introspectionClient;
    const response = await post(issuer, { token: await issuer.opaqueToken() }, basic(clientId, clientSecret));
    expect(await response.json()).toMatchObject({ active: true });
  });

  test("is authenticated by client_secret_post", async () => {
    const issuer = await startIssuer();
    const response = await post(issuer, { token: await issuer.opaqueToken(), ...credentials(issuer) });
    expect(await response.json()).toMatchObject({ active: true });
  });

  test("can form-encode its credentials", async () => {
    const issuer = await startIssuer();
    const { clientSecret } = issuer.introspectionClient;
    const encoded = clientSecret.replaceAll(/./g, (letter) => `%${Buffer.from(letter).toString("hex")}`);
    expect((await post(issuer, { token: "x" }, basic("%61pi", encoded))).status).toBe(200);
    expect((await post(issuer, { token: "x" }, basic("%2561pi", encoded))).status).toBe(401);
  });

  test("gets a challenge if it sends no credentials", async () => {
    const issuer = await startIssuer();
    const response = await post(issuer, { token: await issuer.opaqueToken() });
    expect(response.headers.get("www-authenticate")).toBe('Basic realm="introspection"');
    await expectRejection(response, 401, "invalid_client");
  });

  test("is rejected with the secret of another issuer, with both methods", async () => {
    const [issuer, other] = [await startIssuer(), await startIssuer()];
    const { clientId, clientSecret } = other.introspectionClient;
    const token = await issuer.opaqueToken();
    await expectRejection(await post(issuer, { token, ...credentials(other) }), 401, "invalid_client");
    await expectRejection(await post(issuer, { token }, basic(clientId, clientSecret)), 401, "invalid_client");
  });

  test("is rejected with another client_id, with both methods", async () => {
    const issuer = await startIssuer();
    const { client_secret: secret } = credentials(issuer);
    await expectRejection(await post(issuer, { token: "x" }, basic("app", secret)), 401, "invalid_client");
    const form = { token: "x", client_id: "app", client_secret: secret };
    await expectRejection(await post(issuer, form), 401, "invalid_client");
  });

  test("is rejected with a bearer token", async () => {
    const issuer = await startIssuer();
    const headers = { authorization: `Bearer ${issuer.introspectionClient.clientSecret}` };
    await expectRejection(await post(issuer, { token: "x" }, headers), 401, "invalid_client");
  });

  test("is rejected with two methods at once, but can repeat its client_id", async () => {
    const issuer = await startIssuer();
    const { client_id: id, client_secret: secret } = credentials(issuer);
    const both = await post(issuer, { token: "x", client_id: id, client_secret: secret }, basic(id, secret));
    await expectRejection(both, 400, "invalid_request");
    expect((await post(issuer, { token: "x", client_id: id }, basic(id, secret))).status).toBe(200);
  });
});

describe("the request", () => {
  test.each([
    ["no token", []],
    ["an empty token", [""]],
    ["two tokens", ["x", "x"]],
  ])("is rejected with %s", async (_, tokens) => {
    const issuer = await startIssuer();
    const form = [...Object.entries(credentials(issuer)), ...tokens.map((token): [string, string] => ["token", token])];
    await expectRejection(await post(issuer, form), 400, "invalid_request");
    expect((await introspect(issuer, "x")).status).toBe(200);
  });

  test.each([formType, `${formType}; charset=utf-8`, "Application/X-WWW-Form-Urlencoded"])(
    "is accepted as %s",
    async (type) => {
      const issuer = await startIssuer();
      expect((await introspect(issuer, "x", { "content-type": type })).status).toBe(200);
    },
  );

  test.each(["application/json", "text/plain", `${formType}2`])("is rejected as %s", async (type) => {
    const issuer = await startIssuer();
    await expectRejection(await introspect(issuer, "x", { "content-type": type }), 400, "invalid_request");
  });

  test("is rejected without a content type", async () => {
    const issuer = await startIssuer();
    const body = Buffer.from(new URLSearchParams({ token: "x", ...credentials(issuer) }).toString());
    const response = await fetch(issuer.introspectionEndpoint, { method: "POST", body });
    await expectRejection(response, 400, "invalid_request");
  });

  test("is limited to 64 KiB", async () => {
    const issuer = await startIssuer();
    const form = new URLSearchParams({ ...credentials(issuer), token: "" }).toString();
    const longest = "x".repeat(64 * 1024 - form.length);
    issuer.introspectAs(longest, { active: true });
    expect(await (await introspect(issuer, longest)).json()).toEqual({ active: true });
    await expectRejection(await introspect(issuer, `${longest}x`), 413, "invalid_request");
  });

  test.each(["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])("is not found with %s", async (method) => {
    const issuer = await startIssuer();
    const { clientId, clientSecret } = issuer.introspectionClient;
    const headers = basic(clientId, clientSecret);
    expect((await fetch(issuer.introspectionEndpoint, { method, headers })).status).toBe(404);
  });

  test("is not found below the path", async () => {
    const issuer = await startIssuer();
    const body = new URLSearchParams({ token: "x", ...credentials(issuer) });
    expect((await fetch(`${issuer.introspectionEndpoint.href}/`, { method: "POST", body })).status).toBe(404);
  });

  test("is dropped if the client disconnects before the end", async () => {
    const fail = () => {
      throw new Error("This function must not be called");
    };
    const client = { clientId: "api", clientSecret: "secret" };
    const server = createServer(createIntrospectionEndpoint({ client, introspect: fail, sign: fail }));
    const { url, close } = await startServer(server);
    onTestFinished(close);
    const requested = once(server, "request");
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    socket.write(`POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: ${formType}\r\n`);
    socket.write("content-length: 100\r\n\r\nclient_id=api&client_secret=secret&token=x");
    const [, response] = (await requested) as [unknown, ServerResponse];
    const closed = once(response, "close");
    socket.destroy();
    await closed;
    expect(response.headersSent).toBe(false);
  });
});
