import { AccessTokenError, createVerifier } from "@certbound/core";
import supertest from "supertest";
import { expect, test } from "vitest";
import { protectApi, type ProtectApiOptions } from "../src/protect-api.ts";
import { createApp, parties, startApp, startSending } from "./protected-app.ts";

const { ca, client, thief, verifierOptions } = parties;

test("passes the claims and the accepted token to the handler", async () => {
  const { send, handled } = await startApp();
  const { status } = await send({ token: await parties.token({ claims: { tenant: "a" } }) });
  const [request] = handled;
  expect({ status, tenant: request?.claims["tenant"] }).toEqual({ status: 200, tenant: "a" });
  expect(request?.claims).toBe(request?.accessToken.claims);
  expect(Object.isFrozen(request?.claims)).toBe(true);
  expect(request?.accessToken).toMatchObject({ format: "jwt", binding: "verified" });
  expect(request?.accessToken.clientCertificate?.x509?.subject).toBe("CN=client-1");
});

test("rejects without calling the handler or the error handler", async () => {
  const { send, handled, errors } = await startApp();
  const { status, headers, body } = await send({ identity: thief });
  expect({ status, body, type: headers["content-type"] }).toEqual({
    status: 401,
    body: '{"message":"unauthorized"}',
    type: "application/json; charset=utf-8",
  });
  expect({ handled, errors }).toEqual({ handled: [], errors: [] });
});

test("calls onRejected with the error and the request", async () => {
  const seen: unknown[] = [];
  const { send } = await startApp({ options: { onRejected: (error, request) => seen.push(error, request.url) } });
  await send({ identity: thief });
  expect(seen).toEqual([expect.any(AccessTokenError), "/"]);
  expect(seen[0]).toMatchObject({ code: "ERR_BINDING_MISMATCH", detail: expect.any(String) as string });
});

test("passes the request to authorize and to the resolvers", async () => {
  const urls: string[] = [];
  const note = ({ url }: { readonly url: string }): true => urls.push(url) > 0 || true;
  const { send } = await startApp({
    options: {
      tokenResolver: (request) => (note(request) ? String(request.headers["x-token"]) : null),
      certificateResolver: (request) => (note(request) ? client.certificate : null),
    },
    requirements: { authorize: (_token, request) => note(request) },
  });
  const { status } = await send({ headers: { "x-token": await parties.token() }, identity: thief });
  expect({ status, urls }).toEqual({ status: 200, urls: ["/", "/", "/"] });
});

test.each(["onRequest", "preParsing", "preValidation", "preHandler"] as const)(
  "rejects and accepts requests in the hook %s",
  async (hook) => {
    const app = createApp();
    const reached: string[] = [];
    app.post("/", { [hook]: [protectApi(verifierOptions)(), async () => void reached.push(hook)] }, () => {
      reached.push("handler");
      return {};
    });
    const send = await startSending(app);
    const post = { method: "POST", headers: { "content-type": "application/json" }, body: "{}" };
    expect([(await send({ ...post, identity: thief })).status, reached]).toEqual([401, []]);
    expect([(await send(post)).status, reached]).toEqual([200, [hook, "handler"]]);
  },
);

test("runs the hooks onSend and onResponse for a rejected request", async () => {
  const app = createApp();
  const seen: unknown[] = [];
  app.addHook("onSend", async (_request, reply) => void seen.push(["onSend", reply.statusCode]));
  app.addHook("onResponse", async (_request, reply) => void seen.push(["onResponse", reply.statusCode]));
  app.get("/", { onRequest: protectApi(verifierOptions)() }, () => ({}));
  const send = await startSending(app);
  await send({ identity: thief });
  await app.close();
  expect(seen).toEqual([
    ["onSend", 401],
    ["onResponse", 401],
  ]);
});

test.each([
  ["accepts the client", client, 200],
  ["rejects another client", thief, 401],
] as const)("%s under supertest", async (_what, { key, certificate }, status) => {
  const app = createApp();
  app.get("/", { onRequest: protectApi(verifierOptions)() }, () => ({}));
  await startSending(app);
  const authorization = `Bearer ${await parties.token()}`;
  const sent = supertest(app.server).get("/").ca(ca.certificate).key(key).cert(certificate).set({ authorization });
  expect((await sent).status).toBe(status);
});

/** Invalid options, as JavaScript can pass them. */
const badOptions: readonly (readonly [string, unknown, RegExp])[] = [
  ["a misspelled option", { ...verifierOptions, certificateResolvers: () => null }, /certificateResolvers/],
  ["a requirement of a route", { ...verifierOptions, validateCertificateBinding: true }, /validateCertificateBinding/],
  ["no issuer", { audience: "a", jwks: verifierOptions.jwks }, /issuer/],
  ["a respond that is not a function", { ...verifierOptions, respond: "401" }, /respond/],
  ["a resolver that is not a function", { ...verifierOptions, certificateResolver: "tls" }, /certificateResolver/],
  [
    "a verifier together with its options",
    { ...verifierOptions, verifier: createVerifier(verifierOptions) },
    /verifier/,
  ],
  ["a custom verifier", { verifier: { verify: async () => ({}), ready: async () => {} } }, /verifier/],
];

test.each(badOptions)("throws a TypeError for invalid options: %s", (_name, options, message) => {
  expect(() => protectApi(options as ProtectApiOptions)).toThrow(TypeError);
  expect(() => protectApi(options as ProtectApiOptions)).toThrow(message);
});

const badRequirements: readonly (readonly [string, unknown, RegExp])[] = [
  ["a misspelled requirement", { scope: ["read"] }, /scope/],
  [
    "a validateCertificateBinding of false",
    { validateCertificateBinding: false },
    /validateCertificateBinding.*when-bound/,
  ],
  ["an undefined requirement", { scopes: undefined }, /scopes/],
  ["null", null, /requirements/],
];

test.each(badRequirements)("throws a TypeError for invalid requirements: %s", (_name, requirements, message) => {
  const protect = protectApi(verifierOptions);
  expect(() => protect(requirements as object)).toThrow(TypeError);
  expect(() => protect(requirements as object)).toThrow(message);
});
