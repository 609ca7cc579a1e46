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

/** The credentials of the issuer's client, as client_secret_post sends them. */
function credentials({ introspectionClient: { clientId, clientSecret } }: Issuer) {
  return { client_id: clientId, client_secret: clientSecret };
}

function basic(user: string, password: string) {
  return { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}` };
}

function post(issuer: Issuer, form: Record<string, string> | [string, string][], headers: Record<string, string> = {}) {
  return fetch(issuer.introspectionEndpoint, { method: "POST", body: new URLSearchParams(form), headers });
}

function ask(issuer: Issuer, token: string, headers?: Record<string, string>) {
  return post(issuer, { token, ...credentials(issuer) }, headers);
}

/** Asks for a signed response, and verifies it with the keys that the issuer has now. */
async function askSigned(issuer: Issuer, token: string) {
  const response = await ask(issuer, token, { accept: signedType });
  const keys = createLocalJWKSet({ keys: [...issuer.jwks.keys] });
  const options = { issuer: issuer.issuer, audience: "api", typ: "token-introspection+jwt" };
  return { response, ...(await jwtVerify(await response.text(), keys, options)) };
}

async function expectRejection(response: Response, status: number, error: string) {
  expect([response.status, await response.json()]).toEqual([status, { error }]);
  expect(response.headers.get("content-type")).toBe("application/json");
  expect(response.headers.get("cache-control")).toBe("no-store");
}

describe("the answer", () => {
  test("is JSON that is not to be stored", async () => {
    const issuer = await startIssuer();
    const response = await ask(issuer, await issuer.opaqueToken());
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(await response.json()).toMatchObject({ active: true, token_type: "Bearer", sub: "client-1" });
  });

  test("is for the token of the body, not of the address", async () => {
    const issuer = await startIssuer();
    const url = new URL(`?token=${await issuer.opaqueToken()}`, issuer.introspectionEndpoint);
    const inAddress = await fetch(url, { method: "POST", body: new URLSearchParams(credentials(issuer)) });
    await expectRejection(inAddress, 400, "invalid_request");
  });

  test("does not depend on a token_type_hint", async () => {
    const issuer = await startIssuer();
    const form = { token: await issuer.opaqueToken(), token_type_hint: "refresh_token", ...credentials(issuer) };
    expect(await (await post(issuer, form)).json()).toMatchObject({ active: true });
  });

  test("tells a token by every letter", async () => {
    const issuer = await startIssuer();
    issuer.introspectAs("a+b c&d=ü", { active: true });
    expect(await (await ask(issuer, "a+b c&d=ü")).json()).toEqual({ active: true });
    expect(await (await ask(issuer, "a b c&d=ü")).json()).toEqual({ active: false });
  });
});

describe("a signed answer", () => {
  test("is a JWT by the issuer's first key for the client that asks", async () => {
    const issuer = await startIssuer({ algorithms: ["PS256", "ES256"], clock: () => 5_999 });
    const token = await issuer.opaqueToken({ boundTo: "thumbprint" });
    const { response, protectedHeader, payload } = await askSigned(issuer, token);
    const [key] = issuer.jwks.keys;
    expect([response.status, response.headers.get("content-type")]).toEqual([200, signedType]);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(protectedHeader).toEqual({ typ: "token-introspection+jwt", alg: "PS256", kid: key?.kid });
    const introspection: unknown = await (await ask(issuer, token)).json();
    expect(introspection).toMatchObject({ active: true, cnf: { "x5t#S256": "thumbprint" } });
    expect(payload).toEqual({ iss: issuer.issuer, aud: "api", iat: 5, token_introspection: introspection });
  });

  test("names the configured identifier", async () => {
    const issuer = await startIssuer({ issuer: "https://issuer.example" });
    const { payload } = await askSigned(issuer, "unknown");
    expect(payload.iss).toBe("https://issuer.example");
  });

  test("is given for a token that is not active", async () => {
    const { payload } = await askSigned(await startIssuer(), "unknown");
    expect(payload["token_introspection"]).toEqual({ active: false });
  });

  test("holds an answer that no good issuer gives", async () => {
    const issuer = await startIssuer();
    issuer.introspectAs("token", { active: "true", sub: 1 });
    const { payload } = await askSigned(issuer, "token");
    expect(payload["token_introspection"]).toEqual({ active: "true", sub: 1 });
  });

  test("is signed by the new key after a rotation, by the old one before", async () => {
    const issuer = await startIssuer();
    const token = await issuer.opaqueToken();
    const before = await (await ask(issuer, token, { accept: signedType })).text();
    await issuer.rotateKeys();
    const { protectedHeader, payload } = await askSigned(issuer, token);
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
  ])("is given to who accepts %s", async (accept) => {
    const issuer = await startIssuer();
    expect((await ask(issuer, "unknown", { accept })).headers.get("content-type")).toBe(signedType);
  });

  test.each(["*/*", "application/*", "application/jwt", `${signedType}2`, "text/html; x=application/jwt", ""])(
    "is not given to who accepts %j",
    async (accept) => {
      const issuer = await startIssuer();
      expect((await ask(issuer, "unknown", { accept })).headers.get("content-type")).toBe("application/json");
    },
  );

  test("is not given to who is rejected", async () => {
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

  test("has its credentials decoded as a form encodes them", async () => {
    const issuer = await startIssuer();
    const { clientSecret } = issuer.introspectionClient;
    const encoded = clientSecret.replaceAll(/./g, (letter) => `%${Buffer.from(letter).toString("hex")}`);
    expect((await post(issuer, { token: "x" }, basic("%61pi", encoded))).status).toBe(200);
    expect((await post(issuer, { token: "x" }, basic("%2561pi", encoded))).status).toBe(401);
  });

  test("is challenged when it is not known", async () => {
    const issuer = await startIssuer();
    const response = await post(issuer, { token: await issuer.opaqueToken() });
    expect(response.headers.get("www-authenticate")).toBe('Basic realm="introspection"');
    await expectRejection(response, 401, "invalid_client");
  });

  test("is rejected with the secret of another issuer, either way", async () => {
    const [issuer, other] = [await startIssuer(), await startIssuer()];
    const { clientId, clientSecret } = other.introspectionClient;
    const token = await issuer.opaqueToken();
    await expectRejection(await post(issuer, { token, ...credentials(other) }), 401, "invalid_client");
    await expectRejection(await post(issuer, { token }, basic(clientId, clientSecret)), 401, "invalid_client");
  });

  test("is rejected under another name, either way", async () => {
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

  test("is rejected with two methods at once, but may name itself", async () => {
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
    expect((await ask(issuer, "x")).status).toBe(200);
  });

  test.each([formType, `${formType}; charset=utf-8`, "Application/X-WWW-Form-Urlencoded"])(
    "is accepted as %s",
    async (type) => {
      const issuer = await startIssuer();
      expect((await ask(issuer, "x", { "content-type": type })).status).toBe(200);
    },
  );

  test.each(["application/json", "text/plain", `${formType}2`])("is rejected as %s", async (type) => {
    const issuer = await startIssuer();
    await expectRejection(await ask(issuer, "x", { "content-type": type }), 400, "invalid_request");
  });

  test("is rejected without a content type", async () => {
    const issuer = await startIssuer();
    const body = Buffer.from(new URLSearchParams({ token: "x", ...credentials(issuer) }).toString());
    const response = await fetch(issuer.introspectionEndpoint, { method: "POST", body });
    await expectRejection(response, 400, "invalid_request");
  });

  test("can be of 64 KiB, not of a byte more", async () => {
    const issuer = await startIssuer();
    const form = new URLSearchParams({ ...credentials(issuer), token: "" }).toString();
    const longest = "x".repeat(64 * 1024 - form.length);
    issuer.introspectAs(longest, { active: true });
    expect(await (await ask(issuer, longest)).json()).toEqual({ active: true });
    await expectRejection(await ask(issuer, `${longest}x`), 413, "invalid_request");
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

  test("is dropped when the client goes before its end", async () => {
    const introspect = () => {
      throw new Error("There is nothing to introspect");
    };
    const client = { clientId: "api", clientSecret: "secret" };
    const server = createServer(createIntrospectionEndpoint({ client, introspect, sign: introspect }));
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
