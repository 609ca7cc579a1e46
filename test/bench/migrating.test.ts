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

// What the guide to migrating says of express-oauth2-jwt-bearer, with the real one.
// It takes the algorithms of ID tokens, of which the metadata names RS256, for those of access tokens.
const [ca, issuer, gone] = await Promise.all([
  createCertificateAuthority(),
  createIssuer({ algorithms: ["RS256", "ES256"] }),
  createIssuer({ algorithms: ["RS256"] }),
]);
const [host, client, thief] = await Promise.all([
  ca.issueServerCertificate(),
  ca.issueClientCertificate(),
  ca.issueClientCertificate(),
]);
await gone.close();

let api: RunningServer;
beforeAll(async () => {
  const { audience } = issuer;
  const app = express();
  app.use("/before", before.createApp(issuer.issuer, audience));
  app.use("/after", after.createApp(issuer.issuer, audience));
  app.use("/before/gone", before.createApp(gone.issuer, audience));
  app.use("/after/gone", after.createApp(gone.issuer, audience));
  const theirs = { issuerBaseURL: issuer.issuer, audience };
  const getCertificate = (request: express.Request): Buffer | undefined =>
    (request.socket as TLSSocket).getPeerX509Certificate()?.raw;
  const failing = (): never => {
    throw new Error("the header is unreadable");
  };
  app.get("/before/default", auth(theirs));
  app.get("/before/when-bound", auth({ ...theirs, getCertificate }));
  app.get("/before/optional", auth({ ...theirs, getCertificate, authRequired: false }));
  app.get("/before/failing", auth({ ...theirs, getCertificate: failing }));
  const ours = { issuer: issuer.issuer, audience };
  app.get("/after/when-bound", protectApi(ours)({ validateCertificateBinding: "when-bound" }));
  app.get("/after/failing", protectApi({ ...ours, certificateResolver: failing })());
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

type Asking = Omit<MtlsRequestOptions, "ca" | "identity"> & { readonly identity?: Identity | undefined };

async function ask(path: string, { identity = client, ...options }: Asking = {}): Promise<MtlsResponse> {
  return mtlsRequest(`${api.url}${path}`, { ca: ca.certificate, identity, ...options });
}

const withoutCertificate = (path: string, token: string): Promise<MtlsResponse> =>
  mtlsRequest(`${api.url}${path}`, { ca: ca.certificate, token });

const issue = (options: AccessTokenOptions = {}): Promise<string> =>
  issuer.accessToken({ boundTo: client, ...options });
const [bound, unbound] = await Promise.all([issue(), issuer.accessToken()]);

/** The statuses before and after. */
async function compare(send: (path: string) => Promise<MtlsResponse>, route = "/accounts"): Promise<number[]> {
  const answers = await Promise.all(["/before", "/after"].map((base) => send(`${base}${route}`)));
  return answers.map(({ status }) => status);
}

describe("before and after, with binding required", () => {
  test.each<[string, AccessTokenOptions, number, number, Asking?]>([
    ["the client of the token passes", {}, 200, 200],
    ["a thief is rejected", {}, 401, 401, { identity: thief }],
    ["an unbound token is rejected", { claims: { cnf: undefined } }, 401, 401],
    ["a missing scope is 403", { claims: { scope: "write" } }, 403, 403],
    ["another algorithm is accepted after", { algorithm: "ES256" }, 401, 200],
    ["a logout token is rejected after", { header: { typ: "logout+jwt" } }, 200, 401],
    ["an ID token is rejected after", { header: { typ: "JWT" }, claims: { nonce: "n-1", at_hash: "h" } }, 200, 401],
    ["a second header is rejected after", {}, 200, 400, { headers: { authorization: "Bearer other" } }],
  ])("%s", async (_case, options, theirs, ours, asking) => {
    const token = await issue(options);
    expect(await compare((path) => ask(path, { token, ...asking }))).toEqual([theirs, ours]);
  });

  test("a client without a certificate is told 400 before, 401 after", async () => {
    expect(await compare((path) => withoutCertificate(path, bound))).toEqual([400, 401]);
  });

  test("a token in the query is accepted before, and not looked at after", async () => {
    expect(await compare((path) => ask(`${path}?access_token=${bound}`))).toEqual([200, 401]);
  });

  test("an issuer that is away is 401 before, and 503 after", async () => {
    const token = await issue({ claims: { iss: gone.issuer } });
    const answers = await Promise.all(["/before", "/after"].map((base) => ask(`${base}/gone/accounts`, { token })));
    expect(answers.map(({ status }) => status)).toEqual([401, 503]);
    expect(answers.map(({ headers }) => headers["retry-after"])).toEqual([undefined, expect.any(String)]);
  });

  test("the client is told why before, and not after", async () => {
    const answers = await Promise.all(
      ["/before", "/after"].map((base) => ask(`${base}/accounts`, { token: bound, identity: thief })),
    );
    const challenges = answers.map(({ headers }) => String(headers["www-authenticate"]));
    expect(challenges[0]).toMatch(/confirmation mismatch.*DPoP algs/);
    expect(challenges[1]).not.toMatch(/confirmation|DPoP/);
    expect(answers.map(({ headers }) => headers["x-handled-by"])).toEqual(["the application", undefined]);
  });
});

describe("what is not the same by default", () => {
  test("without getCertificate a stolen token is accepted before", async () => {
    expect((await ask("/before/default", { token: bound, identity: thief })).status).toBe(200);
    expect((await ask("/after/accounts", { token: bound, identity: thief })).status).toBe(401);
  });

  test("with getCertificate alone an unbound token is accepted before, as under when-bound after", async () => {
    expect(await compare((path) => ask(path, { token: unbound }), "/when-bound")).toEqual([200, 200]);
    expect(await compare((path) => ask(path, { token: bound, identity: thief }), "/when-bound")).toEqual([401, 401]);
  });

  test("with authRequired: false a stolen token reaches the handler before", async () => {
    expect((await ask("/before/optional", { token: bound, identity: thief })).status).toBe(200);
  });

  test("a certificate that cannot be read is none before, and an error of the application after", async () => {
    expect(await compare((path) => ask(path, { token: unbound }), "/failing")).toEqual([200, 500]);
  });
});

describe("what takes the place of other handlers", () => {
  test("authorize decides about claims", async () => {
    const send = async (claims: Readonly<Record<string, unknown>>): Promise<number> =>
      (await ask("/after/europe", { token: await issue({ claims }) })).status;
    expect(await send({ region: "eu", scope: "write read" })).toBe(200);
    expect(await send({ region: "us", scope: "write read" })).toBe(403);
    expect(await send({ region: "eu", scope: "write" })).toBe(403);
  });

  test("respond hands rejections to the error handlers of the application", async () => {
    const { status, headers } = await ask("/after/forwarding", { token: bound, identity: thief });
    expect(status).toBe(401);
    expect(headers).toMatchObject({
      "x-handled-by": "the application",
      "www-authenticate": expect.stringContaining("invalid_token"),
    });
    expect((await ask("/after/forwarding", { token: bound })).status).toBe(200);
  });
});
