import { AccessTokenError, type RequestOptions, type Requirements } from "@certbound/core";
import { mtlsRequest, type MtlsRequestOptions, type MtlsResponse, startServer } from "@certbound/testing";
import type { Request } from "express";
import { createSecureServer } from "node:http2";
import { createServer } from "node:https";
import { describe, expect, onTestFinished, test } from "vitest";
import { failuresDuringVerification, failuresDuringRejection } from "../../../test/helpers/application-failures.ts";
import {
  type Incoming,
  type Middleware,
  mount,
  type Outgoing,
  runMiddleware,
  sendJson,
} from "../../../test/helpers/middleware-runner.ts";
import { whilePrototypeIsPolluted } from "../../core/test/support/polluted-prototype.ts";
import { type AuthenticatedExpressRequest, protectApi, type Respond } from "../src/protect-api.ts";
import { parties } from "./protected-app.ts";

const { ca, client, thief, tls, verifierOptions } = parties;
const resource = "https://api.example/v1";
const metadataPath = "/.well-known/oauth-protected-resource/v1";
const challenge =
  'Bearer realm="api", error="invalid_token", error_description="The access token is not valid for this request"';

const token = await parties.token();
const good = { identity: client, token };
const stolen = { identity: thief, token };

type Listener = (request: Incoming, response: Outgoing) => void;

/** Servers of Node, which pass only their requests and responses to middleware: [name, HTTP version, create]. */
const servers = [
  // With this option, a body that HTTP does not allow, for example in a response to HEAD, is an error.
  ["node:https", 1, (listener: Listener) => createServer({ ...tls, rejectNonStandardBodyWrites: true }, listener)],
  ["node:http2", 2, (listener: Listener) => createSecureServer(tls, listener)],
] as const;

interface Setup {
  readonly options?: RequestOptions<Request> & { readonly respond?: Respond | undefined };
  readonly requirements?: Requirements<Request>;
}

interface Running {
  /** The errors that were passed to `next`. */
  readonly errors: readonly unknown[];
  /** The requests that reached the handler after the middleware. */
  readonly handled: readonly Incoming[];
  readonly send: (options: Omit<MtlsRequestOptions, "ca"> & { readonly path?: string }) => Promise<MtlsResponse>;
}

describe.each(servers)("a handler of protect() without Express, on %s", (_name, httpVersion, create) => {
  /** Starts a server with some middleware in front of a handler that responds with the claims of the request. */
  async function start(middleware: readonly Middleware[]): Promise<Running> {
    const [errors, handled]: [unknown[], Incoming[]] = [[], []];
    const handle: Middleware = (request, response) => {
      handled.push(request);
      sendJson(response, 200, (request as Partial<Request>).claims ?? {});
    };
    const listener = runMiddleware([...middleware, handle], (error, response) => {
      errors.push(error);
      sendJson(response, 500, {});
    });
    const { url, close } = await startServer(create(listener));
    onTestFinished(close);
    const send: Running["send"] = ({ path = "/", ...request }) =>
      mtlsRequest(url + path, { ca: ca.certificate, httpVersion, ...request });
    return { errors, handled, send };
  }

  const startProtected = ({ options, requirements }: Setup = {}): Promise<Running> =>
    start([protectApi({ ...verifierOptions, ...options })(requirements)]);

  test("sets the claims and the accepted token of a request, and calls next", async () => {
    const { send, handled, errors } = await startProtected();
    const { status, body } = await send(good);
    expect({ status, claims: JSON.parse(body) as unknown, errors }).toMatchObject({
      status: 200,
      claims: { sub: "client-1" },
      errors: [],
    });
    const [{ claims, accessToken }] = handled as unknown as [AuthenticatedExpressRequest];
    expect(claims).toBe(accessToken.claims);
    expect(accessToken).toMatchObject({ binding: "verified", clientCertificate: { thumbprint: client.thumbprint } });
  });

  test("rejects a stolen token with a challenge and a JSON body", async () => {
    const { send, handled, errors } = await startProtected();
    expect(await send(stolen)).toMatchObject({
      status: 401,
      headers: {
        "www-authenticate": challenge,
        "content-type": "application/json; charset=utf-8",
      },
      body: '{"message":"unauthorized"}',
    });
    expect({ handled, errors }).toEqual({ handled: [], errors: [] });
  });

  test("ignores a json method of a polluted Object.prototype", async () => {
    const { send } = await startProtected();
    const response = await whilePrototypeIsPolluted("json", "evil", () => send(stolen));
    expect(response).toMatchObject({ status: 401, body: '{"message":"unauthorized"}' });
  });

  test("rejects a request without a token", async () => {
    const { send, handled, errors } = await startProtected({ options: { realm: "orders", resource } });
    const { status, headers } = await send({ identity: client });
    expect({ status, challenge: headers["www-authenticate"] }).toEqual({
      status: 401,
      challenge: `Bearer realm="orders", resource_metadata="https://api.example${metadataPath}"`,
    });
    expect({ handled, errors }).toEqual({ handled: [], errors: [] });
  });

  test("rejects a token without the scope of the route", async () => {
    const { send, handled } = await startProtected({ requirements: { scopes: ["admin"] } });
    const { status, headers, body } = await send(good);
    expect({ status, body }).toEqual({ status: 403, body: '{"message":"forbidden"}' });
    expect(headers["www-authenticate"]).toMatch(/error="insufficient_scope".*scope="admin"/);
    expect(handled).toEqual([]);
  });

  test("rejects a HEAD request without a body", async () => {
    const { send, handled, errors } = await startProtected();
    expect(await send({ ...stolen, method: "HEAD" })).toMatchObject({
      status: 401,
      headers: { "www-authenticate": challenge },
      body: "",
    });
    expect({ handled, errors }).toEqual({ handled: [], errors: [] });
    expect(await send({ ...good, method: "HEAD" })).toMatchObject({ status: 200 });
  });

  test("serves the metadata at its path only", async () => {
    const { send, handled, errors } = await startProtected({ options: { resource } });
    const { status, headers, body } = await send({ path: metadataPath });
    expect({ status, type: headers["content-type"], body: JSON.parse(body) as unknown }).toMatchObject({
      status: 200,
      type: "application/json; charset=utf-8",
      body: { resource, tls_client_certificate_bound_access_tokens: true },
    });
    const head = await send({ path: `${metadataPath}?a`, method: "HEAD" });
    expect({ status: head.status, body: head.body }).toEqual({ status: 200, body: "" });
    expect((await send({ path: `${metadataPath}/` })).status).toBe(401);
    expect((await send({ path: metadataPath, method: "POST" })).status).toBe(401);
    expect({ handled, errors }).toEqual({ handled: [], errors: [] });
  });

  test("ignores an originalUrl of a polluted Object.prototype", async () => {
    const { send } = await start([protectApi({ ...verifierOptions, resource })()]);
    const { status } = await whilePrototypeIsPolluted("originalUrl", metadataPath, () => send(good));
    expect({ status, body: (await send(good)).status }).toEqual({ status: 200, body: 200 });
    const polluted = await whilePrototypeIsPolluted("originalUrl", metadataPath, () => send({}));
    expect(polluted.status).toBe(401);
  });

  test("compares the path of the metadata with originalUrl where it is mounted", async () => {
    const protect = protectApi({ ...verifierOptions, resource });
    const { send, handled } = await start([mount("/.well-known", protect.metadata()), mount("/mounted", protect())]);
    expect((await send({ path: metadataPath })).status).toBe(200);
    expect((await send({ path: `/mounted${metadataPath}` })).status).toBe(401);
    expect(handled).toEqual([]);
    expect((await send({ ...good, path: "/mounted" })).status).toBe(200);
  });

  test.each(failuresDuringVerification)(
    "passes an error to next, without a challenge, for %s",
    async (_what, setup) => {
      const { send, errors, handled } = await startProtected(setup);
      const { status, headers } = await send(good);
      expect({ status, challenge: headers["www-authenticate"] }).toEqual({ status: 500, challenge: undefined });
      expect({ errors, handled }).toEqual({ errors: [expect.any(Error)], handled: [] });
      expect(errors[0]).not.toBeInstanceOf(AccessTokenError);
    },
  );

  test.each(failuresDuringRejection)(
    "passes an error to next, and does not call the handler, for %s",
    async (_what, setup) => {
      const { send, errors, handled } = await startProtected(setup);
      expect((await send(stolen)).status).toBe(500);
      expect({ errors, handled }).toEqual({ errors: [expect.any(Error)], handled: [] });
      expect(errors[0]).not.toBeInstanceOf(AccessTokenError);
    },
  );

  test("lets respond send the response or forward the rejection", async () => {
    const responding = await startProtected({
      options: { respond: ({ status }, _request, response) => void response.writeHead(status).end("own") },
    });
    expect(await responding.send(stolen)).toMatchObject({ status: 401, body: "own" });
    const forwarding = await startProtected({
      options: { respond: (_rejection, _request, _response, forward) => forward() },
    });
    expect((await forwarding.send(stolen)).status).toBe(500);
    expect(forwarding.errors).toEqual([expect.any(AccessTokenError)]);
    expect(forwarding.errors[0]).toMatchObject({ status: 401, headers: { "WWW-Authenticate": challenge } });
    expect([...responding.handled, ...forwarding.handled]).toEqual([]);
  });
});
