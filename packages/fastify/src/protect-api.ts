import { AccessTokenError, createAuthenticator } from "@certbound/core";
import type { AccessToken, AuthenticatorOptions, HttpRejection, Requirements, Verifier } from "@certbound/core";
import type { FastifyReply, FastifyRequest, RawServerBase, RouteGenericInterface as Route } from "fastify";

declare module "fastify" {
  interface FastifyRequest {
    /** The claims of the token: set once `protect()` has let the request pass; undefined on a route without it. */
    claims: AccessToken["claims"];
    /**
     * The accepted access token, with the client certificate if the token is bound to it: set once `protect()` has let the
     * request pass; undefined on a route without it.
     */
    accessToken: AccessToken;
  }
  interface FastifyInstance {
    /** Takes the requirements of a route, and gives its `onRequest` hook; there once the plugin is registered. */
    protect: Protect;
  }
}

/** Answers a rejected request instead of the default; whatever it does, the route's handler does not run. */
export type Respond = (rejection: HttpRejection, request: FastifyRequest, reply: FastifyReply) => unknown;

/** What `protectApi` and the plugin take. */
export type ProtectApiOptions = AuthenticatorOptions<FastifyRequest> & { readonly respond?: Respond | undefined };

/** A hook for `onRequest`, so that a request is rejected before its body is read. */
export type ProtectHook = <Server extends RawServerBase>(
  request: FastifyRequest<Route, Server>,
  reply: FastifyReply<Route, Server>,
) => Promise<void>;

/** Takes the requirements of a route, and gives the hook that goes before its handler. */
export type Protect = ((requirements?: Requirements<FastifyRequest>) => ProtectHook) & {
  readonly verifier: Verifier;
  /**
   * Gives the `onRequest` hook that serves this API's metadata at its well-known path (RFC 9728 section 3), and passes every
   * other request on. The plugin adds it by itself where `resource` is given.
   *
   * @throws TypeError without the option `resource`
   */
  readonly metadata: () => ProtectHook;
};

/**
 * Creates the hooks that let only requests with a certificate-bound access token pass (RFC 8705 section 3), unless
 * `validateCertificateBinding` of a route says otherwise.
 *
 * A rejected request is answered with 400, 401, 403 or 503, or by `respond`. Every other failure is thrown, to Fastify's error
 * handler.
 *
 * @throws TypeError when an option is unknown, ill-typed or missing
 */
export function protectApi(options: ProtectApiOptions = {}): Protect {
  const { respond: given, ...others } = options;
  // What every object inherits was not given.
  const respond = given !== undefined && Object.hasOwn(options, "respond") ? given : sendRejection;
  if (typeof respond !== "function") throw new TypeError('certbound: option "respond" must be a function');
  const authenticator = createAuthenticator<FastifyRequest>(others);
  const { verifier, protectedResource } = authenticator;
  const metadata = (): ProtectHook => {
    if (protectedResource === undefined) throw new TypeError('certbound: option "resource" is missing');
    return async ({ method, originalUrl }, reply) => {
      if (!protectedResource.matches(method, originalUrl)) return;
      reply.send(protectedResource.metadata());
      await answered();
    };
  };
  const protect = (requirements?: Requirements<FastifyRequest>): ProtectHook => {
    const authenticate = authenticator(requirements);
    return async (incoming, outgoing) => {
      // The same objects: what differs between the servers (HTTP/1.1, HTTP/2, TLS) is not used here.
      const [request, reply] = [incoming as FastifyRequest, outgoing as FastifyReply];
      try {
        request.accessToken = await authenticate(request);
        request.claims = request.accessToken.claims;
      } catch (error) {
        if (!(error instanceof AccessTokenError)) throw error;
        await (async () => respond(authenticator.rejection(error), request, reply))().catch(fail);
        await answered();
      }
    };
  };
  return Object.assign(protect, { verifier, metadata });
}

/**
 * Fastify runs the handler when a hook settles and the answer is not yet written: with `return reply`, when the client hangs
 * up before a slow onSend hook is done. So a hook that has answered does not settle at all.
 */
function answered(): Promise<never> {
  return new Promise(() => {});
}

function sendRejection({ status, headers, body }: HttpRejection, _request: FastifyRequest, reply: FastifyReply): void {
  reply.code(status).headers(headers).send(body);
}

/** Throws an error always: a text that an error handler sends on would be an answer with 200. */
function fail(cause: unknown): never {
  throw cause instanceof Error ? cause : new Error("non-error thrown", { cause });
}
