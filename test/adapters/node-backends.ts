import { createServer } from "node:https";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import {
  AccessTokenError,
  type AccessToken,
  createAuthenticator,
  httpRejection,
  tlsCertificate,
} from "@certbound/core";
import { startServer } from "@certbound/testing";
import { type Backend, type ProtectedRoute, summary } from "./backend.ts";

type Incoming = IncomingMessage | Http2ServerRequest;
type Outgoing = ServerResponse | Http2ServerResponse;
type Authenticate = (request: Incoming) => Promise<AccessToken>;

/** The core without a framework, in a server that a user would write. */
export const nodeBackends: readonly Backend[] = [
  {
    name: "createAuthenticator on node:https",
    httpVersion: 1,
    readsRequests: true,
    start: (routes, tls) => startServer(createServer(tls, listener(routes, authenticator))),
  },
  {
    name: "createAuthenticator on node:http2",
    httpVersion: 2,
    readsRequests: true,
    start: (routes, tls) => startServer(createSecureServer(tls, listener(routes, authenticator))),
  },
  {
    name: "verify on node:https",
    httpVersion: 1,
    readsRequests: false,
    start: (routes, tls) => startServer(createServer(tls, listener(routes, bareVerify))),
  },
];

function authenticator({ options, requirements }: ProtectedRoute): Authenticate {
  return createAuthenticator<Incoming>(options)(requirements);
}

/** Requires requests with exactly one token. */
function bareVerify({ options, requirements }: ProtectedRoute): Authenticate {
  return async (request) => {
    const token = String(request.headers.authorization).replace("Bearer ", "");
    try {
      return await options.verifier.verify(token, { ...requirements, clientCertificate: tlsCertificate(request) });
    } catch (error) {
      if (error instanceof AccessTokenError) options.onRejected(error, request);
      throw error;
    }
  };
}

function listener(
  routes: readonly ProtectedRoute[],
  protect: (route: ProtectedRoute) => Authenticate,
): (request: Incoming, response: Outgoing) => void {
  const table = new Map(routes.map((route) => [route.path, { route, authenticate: protect(route) }]));
  return (request, response) => {
    const found = table.get(new URL(request.url ?? "", "https://localhost").pathname);
    if (found === undefined) return respond(response, 404, {}, {});
    const { route, authenticate } = found;
    const accept = (token: AccessToken): void => {
      route.onHandled();
      respond(response, 200, {}, summary(token));
    };
    const reject = (error: unknown): void => {
      if (!(error instanceof AccessTokenError)) return respond(response, 500, {}, { message: String(error) });
      const { realm, schemes, resource } = route.options;
      const { status, headers, body } = httpRejection(error, { realm, schemes, resource });
      respond(response, status, headers, body);
    };
    authenticate(request).then(accept, reject);
  };
}

function respond(response: Outgoing, status: number, headers: Readonly<Record<string, string>>, body: object): void {
  response.statusCode = status;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.end(JSON.stringify(body));
}
