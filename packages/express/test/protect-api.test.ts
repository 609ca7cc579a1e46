import { AccessTokenError, createVerifier, type VerifierOptions } from "@certbound/core";
import { mtlsRequest, startServer } from "@certbound/testing";
import { createServer } from "node:https";
import supertest from "supertest";
import { describe, expect, onTestFinished, test } from "vitest";
import { expressVersions } from "../../../test/helpers/express-versions.ts";
import { type AuthenticatedExpressRequest, protectApi, type ProtectApiOptions } from "../src/protect-api.ts";
import { parties, startApp } from "./protected-app.ts";

const { ca, client, thief, tls, verifierOptions } = parties;

describe.each(expressVersions)("protectApi on %s", (_name, express) => {
  test("passes the claims and the accepted token to the handler", async () => {
    const { send, handled } = await startApp(express);
    const { status } = await send({ token: await parties.token({ claims: { tenant: "a" } }) });
    const [{ claims, accessToken }] = handled as [AuthenticatedExpressRequest];
    expect({ status, tenant: claims["tenant"] }).toEqual({ status: 200, tenant: "a" });
    expect(claims).toBe(accessToken.claims);
    expect(Object.isFrozen(claims)).toBe(true);
    expect(accessToken).toMatchObject({ format: "jwt", binding: "verified" });
    expect(accessToken.clientCertificate?.x509?.subject).toBe("CN=client-1");
  });

  test("rejects without calling the handler or an error handler", async () => {
    const { send, handled, errors } = await startApp(express);
    const { status, headers, body } = await send({ identity: thief });
    expect({ status, body, type: headers["content-type"] }).toEqual({
      status: 401,
      body: '{"message":"unauthorized"}',
      type: "application/json; charset=utf-8",
    });
    expect({ handled, errors }).toEqual({ handled: [], errors: [] });
  });

  test("sends JSON with the settings of the application", async () => {
    const app = express().set("json spaces", 1).set("etag", "strong");
    app.use(protectApi(verifierOptions)());
    const { url, close } = await startServer(createServer(tls, app));
    onTestFinished(close);
    const { status, headers, body } = await mtlsRequest(url, { ca: ca.certificate, identity: client });
    expect({ status, body, length: headers["content-length"] }).toEqual({
      status: 401,
      body: '{\n "message": "unauthorized"\n}',
      length: "30",
    });
    expect(headers.etag).toMatch(/^"/);
  });

  test("leaves a route without protect() open", async () => {
    const { send } = await startApp(express);
    const response = await send({ path: "/open", headers: {}, identity: thief });
    expect({ status: response.status, body: response.body }).toEqual({ status: 200, body: "{}" });
  });

  test("calls onRejected with the error and the request", async () => {
    const seen: unknown[] = [];
    const onRejected = (error: AccessTokenError, request: { readonly path: string }): void => {
      seen.push(error, request.path);
    };
    const { send } = await startApp(express, { options: { onRejected } });
    await send({ identity: thief });
    expect(seen).toEqual([expect.any(AccessTokenError), "/"]);
    expect(seen[0]).toMatchObject({ code: "ERR_BINDING_MISMATCH", detail: expect.any(String) as string });
  });

  test("passes the request to authorize and to the resolvers", async () => {
    const paths: string[] = [];
    const note = (request: { readonly path: string }): true => paths.push(request.path) > 0 || true;
    const { send } = await startApp(express, {
      options: {
        tokenResolver: (request) => (note(request) ? request.get("x-token") : null),
        certificateResolver: (request) => (note(request) ? client.certificate : null),
      },
      requirements: { authorize: (_token, request) => note(request) },
    });
    const { status } = await send({ headers: { "x-token": await parties.token() }, identity: thief });
    expect({ status, paths }).toEqual({ status: 200, paths: ["/", "/", "/"] });
  });

  test("protects a router and its routes with different requirements", async () => {
    const protect = protectApi(verifierOptions);
    const orders = express.Router();
    orders.get("/:id", (request, response) => void response.json([request.params.id, request.claims.sub]));
    orders.delete("/:id", protect({ scopes: ["write"] }), (_request, response) => void response.sendStatus(204));
    const app = express().use("/orders", protect({ scopes: ["read"] }), orders);
    const { url, close } = await startServer(createServer(tls, app));
    onTestFinished(close);
    const good = { ca: ca.certificate, identity: client, token: await parties.token() };
    const read = await mtlsRequest(`${url}/orders/7`, good);
    const removed = await mtlsRequest(`${url}/orders/7`, { ...good, method: "DELETE" });
    const stolen = await mtlsRequest(`${url}/orders/7`, { ...good, identity: thief });
    expect([read.body, removed.status, stolen.status]).toEqual(['["7","client-1"]', 403, 401]);
  });

  test("rejects a request before the next handler, a body parser, reads the body", async () => {
    let parsed = 0;
    const app = express().post(
      "/",
      protectApi(verifierOptions)(),
      express.json({ verify: () => (parsed += 1) }),
      (_request, response) => void response.sendStatus(200),
    );
    const { url, close } = await startServer(createServer(tls, app));
    onTestFinished(close);
    const send = async (identity: typeof client): Promise<number> => {
      const headers = { "content-type": "application/json" };
      const token = await parties.token();
      const post = { ca: ca.certificate, identity, token, method: "POST", headers, body: '{"a":1}' };
      return (await mtlsRequest(url, post)).status;
    };
    expect([await send(thief), parsed]).toEqual([401, 0]);
    expect([await send(client), parsed]).toEqual([200, 1]);
  });
});

describe.each(expressVersions)("%s under supertest", (_name, express) => {
  test.each([
    ["accepts the client", client, 200],
    ["rejects another client", thief, 401],
  ] as const)("%s", async (_what, { key, certificate }, status) => {
    const app = express().get("/", protectApi(verifierOptions)(), (_request, response) => void response.json({}));
    const server = createServer(tls, app);
    onTestFinished((await startServer(server)).close);
    const authorization = `Bearer ${await parties.token()}`;
    const sent = supertest(server).get("/").ca(ca.certificate).key(key).cert(certificate).set({ authorization });
    expect((await sent).status).toBe(status);
  });
});

/** Invalid options, as JavaScript can pass them. */
const badOptions: readonly (readonly [string, unknown, RegExp])[] = [
  ["a misspelled option", { ...verifierOptions, certificateResolvers: () => null }, /certificateResolvers/],
  ["a requirement of a route", { ...verifierOptions, validateCertificateBinding: true }, /validateCertificateBinding/],
  ["no issuer", { audience: "a", jwks: verifierOptions.jwks }, /issuer/],
  ["no audience", { ...verifierOptions, audience: undefined }, /audience/],
  ["a symmetric algorithm", { ...verifierOptions, algorithms: ["HS256"] }, /algorithms/],
  ["a respond that is not a function", { ...verifierOptions, respond: "401" }, /respond/],
  ["a respond that is null", { ...verifierOptions, respond: null }, /respond/],
  ["a resolver that is not a function", { ...verifierOptions, certificateResolver: "tls" }, /certificateResolver/],
  ["the scheme DPoP", { ...verifierOptions, schemes: ["DPoP"] }, /schemes/],
  ["a realm with a quote", { ...verifierOptions, realm: 'a"b' }, /realm/],
  [
    "a verifier together with its options",
    { ...verifierOptions, verifier: createVerifier(verifierOptions) },
    /verifier/,
  ],
  ["a custom verifier", { verifier: { verify: async () => ({}), ready: async () => {} } }, /verifier/],
];

const badRequirements: readonly (readonly [string, unknown, RegExp])[] = [
  ["a misspelled requirement", { scope: ["read"] }, /scope/],
  [
    "a validateCertificateBinding of false",
    { validateCertificateBinding: false },
    /validateCertificateBinding.*when-bound/,
  ],
  ["an undefined requirement", { scopes: undefined }, /scopes/],
  ["an undefined validateCertificateBinding", { validateCertificateBinding: undefined }, /validateCertificateBinding/],
  ["an undefined authorize", { authorize: undefined }, /authorize/],
  ["an empty list of scopes", { scopes: [] }, /scopes/],
  ["an option of the verifier", { audience: "a" }, /audience/],
  ["null", null, /requirements/],
];

describe("the options", () => {
  test.each(badOptions)("cause a TypeError: %s", (_name, options, message) => {
    expect(() => protectApi(options as ProtectApiOptions)).toThrow(TypeError);
    expect(() => protectApi(options as ProtectApiOptions)).toThrow(message);
  });

  test.each(badRequirements)("of a route cause a TypeError: %s", (_name, requirements, message) => {
    const protect = protectApi(verifierOptions);
    expect(() => protect(requirements as object)).toThrow(TypeError);
    expect(() => protect(requirements as object)).toThrow(message);
  });

  test("accept a shared verifier, which protectApi returns", () => {
    const verifier = createVerifier(verifierOptions);
    expect(protectApi({ verifier }).verifier).toBe(verifier);
    expect(protectApi(verifierOptions).verifier).toEqual({ verify: expect.any(Function), ready: expect.any(Function) });
  });

  test("can be undefined, such as an unset variable of process.env", () => {
    const unset: VerifierOptions = { algorithms: undefined, maxTokenAge: undefined };
    expect(() => protectApi({ ...verifierOptions, ...unset, respond: undefined })).not.toThrow();
  });
});
