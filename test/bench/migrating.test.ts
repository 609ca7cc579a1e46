import { createServer } from "node:https";
import type { TLSSocket } from "node:tls";
import { protectApi } from "@certbound/express";
import {
  type AccessTokenOptions,
  createCertificateAuthority,
  createIssuer,
  type Identity,
  mtlsRequest,
  type MtlsRequestOptions,
  type MtlsResponse,
  type RunningServer,
  startServer,
} from "@certbound/testing";
import express, { type ErrorRequestHandler } from "express";
import { auth } from "express-oauth2-jwt-bearer";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as after from "../guides/migrating-after.ts";
import * as before from "./migrating-before.ts";

// Checks the statements of the migration guide against the real express-oauth2-jwt-bearer. It applies the algorithms
// that the metadata lists for ID tokens, RS256 here, to access tokens.
const [ca, issuer, stoppedIssuer] = await Promise.all([
  createCertificateAuthority(),
  createIssuer({ algorithms: ["RS256", "ES256"] }),
  createIssuer({ algorithms: ["RS256"] }),
]);
const [host, client, thief] = await Promise.all([
  ca.issueServerCertificate(),
  ca.issueClientCertificate(),
  ca.issueClientCertificate(),
]);
await stoppedIssuer.close();

let api: RunningServer;
beforeAll(async () => {
  const { audience } = issuer;
  const app = express();
  app.use("/before", before.createApp(issuer.issuer, audience));
  app.use("/after", after.createApp(issuer.issuer, audience));
  app.use("/before/gone", before.createApp(stoppedIssuer.issuer, audience));
  app.use("/after/gone", after.createApp(stoppedIssuer.issuer, audience));
  const auth0Options = { issuerBaseURL: issuer.issuer, audience };
  const getCertificate = (request: express.Request): Buffer | undefined =>
    (request.socket as TLSSocket).getPeerX509Certificate()?.raw;
  const failing = (): never => {
    throw new Error("the header is unreadable");
  };
  app.get("/before/default", auth(auth0Options));
  app.get("/before/when-bound", auth({ ...auth0Options, getCertificate }));
  app.get("/before/optional", auth({ ...auth0Options, getCertificate, authRequired: false }));
  app.get("/before/failing", auth({ ...auth0Options, getCertificate: failing }));
  const certboundOptions = { issuer: issuer.issuer, audience };
  app.get("/after/when-bound", protectApi(certboundOptions)({ validateCertificateBinding: "when-bound" }));
  app.get("/after/failing", protectApi({ ...certboundOptions, certificateResolver: failing })());
  app.get(/^/, (_request, response) => void response.json({}));
  const handleError: ErrorRequestHandler = (
    error: { status?: number; headers?: object },
    _request,
    response,
    _next,
  ) => {
    response
      .status(error.status ?? 500)
      .set({ ...error.headers, "x-handled-by": "the application" })
      .end();
  };
  app.use(handleError);
  const tls = { key: host.key, cert: host.certificate, requestCert: true, rejectUnauthorized: false };
  api = await startServer(createServer(tls, app));
});
afterAll(() => Promise.all([api.close(), issuer.close()]));

type RequestOptions = Omit<MtlsRequestOptions, "ca" | "identity"> & { readonly identity?: Identity | undefined };

async function requestApi(path: string, { identity = client, ...options }: RequestOptions = {}): Promise<MtlsResponse> {
  return mtlsRequest(`${api.url}${path}`, { ca: ca.certificate, identity, ...options });
}

const withoutCertificate = (path: string, token: string): Promise<MtlsResponse> =>
  mtlsRequest(`${api.url}${path}`, { ca: ca.certificate, token });

const issue = (options: AccessTokenOptions = {}): Promise<string> =>
  issuer.accessToken({ boundTo: client, ...options });
const [bound, unbound] = await Promise.all([issue(), issuer.accessToken()]);

/** Sends the request to both apps. Returns the status before the migration and the status after it. */
async function compare(send: (path: string) => Promise<MtlsResponse>, route = "/accounts"): Promise<number[]> {
  const responses = await Promise.all(["/before", "/after"].map((base) => send(`${base}${route}`)));
  return responses.map(({ status }) => status);
}

describe("before and after the migration, with a required binding,", () => {
  test.each<[string, AccessTokenOptions, number, number, RequestOptions?]>([
    ["the API accepts the client of the token", {}, 200, 200],
    ["the API rejects a thief", {}, 401, 401, { identity: thief }],
    ["the API rejects an unbound token", { claims: { cnf: undefined } }, 401, 401],
    ["the API responds to a missing scope with 403", { claims: { scope: "write" } }, 403, 403],
    ["only certbound accepts another algorithm", { algorithm: "ES256" }, 401, 200],
    ["only certbound rejects a logout token", { header: { typ: "logout+jwt" } }, 200, 401],
    [
      "only certbound rejects an ID token",
      { header: { typ: "JWT" }, claims: { nonce: "n-1", at_hash: "h" } },
      200,
      401,
    ],
    ["only certbound rejects a second header", {}, 200, 400, { headers: { authorization: "Bearer other" } }],
  ])("%s", async (_case, options, auth0Options, certboundOptions, requestOptions) => {
    const token = await issue(options);
    expect(await compare((path) => requestApi(path, { token, ...requestOptions }))).toEqual([
      auth0Options,
      certboundOptions,
    ]);
  });

  test("the status for a request without a certificate changes from 400 to 401", async () => {
    expect(await compare((path) => withoutCertificate(path, bound))).toEqual([400, 401]);
  });

  test("a token in the query is accepted before, and ignored after", async () => {
    expect(await compare((path) => requestApi(`${path}?access_token=${bound}`))).toEqual([200, 401]);
  });

  test("the status for an unreachable issuer changes from 401 to 503", async () => {
    const token = await issue({ claims: { iss: stoppedIssuer.issuer } });
    const responses = await Promise.all(
      ["/before", "/after"].map((base) => requestApi(`${base}/gone/accounts`, { token })),
    );
    expect(responses.map(({ status }) => status)).toEqual([401, 503]);
    expect(responses.map(({ headers }) => headers["retry-after"])).toEqual([undefined, expect.any(String)]);
  });

  test("the response contains the reason of a rejection only before", async () => {
    const responses = await Promise.all(
      ["/before", "/after"].map((base) => requestApi(`${base}/accounts`, { token: bound, identity: thief })),
    );
    const challenges = responses.map(({ headers }) => String(headers["www-authenticate"]));
    expect(challenges[0]).toMatch(/confirmation mismatch.*DPoP algs/);
    expect(challenges[1]).not.toMatch(/confirmation|DPoP/);
    expect(responses.map(({ headers }) => headers["x-handled-by"])).toEqual(["the application", undefined]);
  });
});

describe("the different defaults", () => {
  test("a stolen token is accepted before the migration without getCertificate", async () => {
    expect((await requestApi("/before/default", { token: bound, identity: thief })).status).toBe(200);
    expect((await requestApi("/after/accounts", { token: bound, identity: thief })).status).toBe(401);
  });

  test("an unbound token is accepted before the migration with only getCertificate, and after it with when-bound", async () => {
    expect(await compare((path) => requestApi(path, { token: unbound }), "/when-bound")).toEqual([200, 200]);
    expect(await compare((path) => requestApi(path, { token: bound, identity: thief }), "/when-bound")).toEqual([
      401, 401,
    ]);
  });

  test("a stolen token reaches the handler before the migration with authRequired: false", async () => {
    expect((await requestApi("/before/optional", { token: bound, identity: thief })).status).toBe(200);
  });

  test("an unreadable certificate counts as missing before the migration, and is an application error after it", async () => {
    expect(await compare((path) => requestApi(path, { token: unbound }), "/failing")).toEqual([200, 500]);
  });
});

describe("the replacements of custom handlers", () => {
  test("authorize makes decisions based on claims", async () => {
    const send = async (claims: Readonly<Record<string, unknown>>): Promise<number> =>
      (await requestApi("/after/europe", { token: await issue({ claims }) })).status;
    expect(await send({ region: "eu", scope: "write read" })).toBe(200);
    expect(await send({ region: "us", scope: "write read" })).toBe(403);
    expect(await send({ region: "eu", scope: "write" })).toBe(403);
  });

  test("respond passes rejections to the application's error handlers", async () => {
    const { status, headers } = await requestApi("/after/forwarding", { token: bound, identity: thief });
    expect(status).toBe(401);
    expect(headers).toMatchObject({
      "x-handled-by": "the application",
      "www-authenticate": expect.stringContaining("invalid_token"),
    });
    expect((await requestApi("/after/forwarding", { token: bound })).status).toBe(200);
  });
});
