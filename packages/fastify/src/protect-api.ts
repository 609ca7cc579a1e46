import { AccessTokenError, createAuthenticator } from "@certbound/core";
import type { AccessToken, AuthenticatorOptions, HttpRejection, Requirements, Verifier } from "@certbound/core";
import type { FastifyReply, FastifyRequest, RawServerBase, RouteGenericInterface as Route } from "fastify";

declare module "fastify" {
  interface FastifyRequest {
    /** The claims of the access token. Set when `protect()` accepts the request; undefined on a route without it. */
    claims: AccessToken["claims"];
    /**
     * The accepted access token, with the client certificate if the token is bound to it. Set when `protect()` accepts the
     * request; undefined on a route without it.
     */
    accessToken: AccessToken;
  }
  interface FastifyInstance {
    /** Creates an `onRequest` hook that authenticates requests and checks the requirements. Set by the plugin. */
    protect: Protect;
  }
}

/** Responds to a rejected request, instead of the default response. The route's handler never runs. */
export type Respond = (rejection: HttpRejection, request: FastifyRequest, reply: FastifyReply) => unknown;

/** Options of {@link protectApi} and of the plugin. */
export type ProtectApiOptions = AuthenticatorOptions<FastifyRequest> & { readonly respond?: Respond | undefined };

/** An `onRequest` hook, which rejects a request before its body is read. */
export type ProtectHook = <Server extends RawServerBase>(
  request: FastifyRequest<Route, Server>,
  reply: FastifyReply<Route, Server>,
) => Promise<void>;

/** Creates a hook that authenticates requests and checks the requirements, before the route's handler runs. */
export type Protect = ((requirements?: Requirements<FastifyRequest>) => ProtectHook) & {
  readonly verifier: Verifier;
  /**
   * Creates an `onRequest` hook that serves this API's metadata at its well-known path (RFC 9728 section 3), and ignores every
   * other request. The plugin adds this hook if `resource` is set.
   *
   * @throws TypeError if the option `resource` is missing
   */
  readonly metadata: () => ProtectHook;
};

/**
 * Creates the hooks that accept only requests with a certificate-bound access token (RFC 8705 section 3), unless a route sets
 * `validateCertificateBinding` to another mode.
 *
 * A rejected request gets a response with 400, 401, 403 or 503, or the response of `respond`. Every other error is passed to
 * Fastify's error handler.
 *
 * @example
 * <!-- source: test/api-examples/fastify.examples.ts#protectApi -->
 * ```ts
 * import { protectApi } from "@certbound/fastify";
 *
 * const protect = protectApi({ issuer: "https://auth.example.com", audience: "https://api.example.com" });
 *
 * app.get("/accounts", { onRequest: protect({ scopes: ["read"] }) }, (request) => {
 *   return { client: request.claims.client_id };
 * });
 * ```
 *
 * @throws TypeError if an option is unknown, has the wrong type or is missing
 */
export function protectApi(options: ProtectApiOptions = {}): Protect {
  const { respond: customRespond, ...others } = options;
  // Ignores an inherited member, for example of a polluted Object.prototype.
  const respond = customRespond !== undefined && Object.hasOwn(options, "respond") ? customRespond : sendRejection;
  if (typeof respond !== "function") throw new TypeError('certbound: option "respond" must be a function');
  const authenticator = createAuthenticator<FastifyRequest>(others);
  const { verifier, protectedResource } = authenticator;
  const metadata = (): ProtectHook => {
    if (protectedResource === undefined) throw new TypeError('certbound: option "resource" is missing');
    return async ({ method, originalUrl }, reply) => {
      if (!protectedResource.matches(method, originalUrl)) return;
      reply.send(protectedResource.metadata());
      await responseSent();
    };
  };
  const protect = (requirements?: Requirements<FastifyRequest>): ProtectHook => {
    const authenticate = authenticator(requirements);
    return async (incoming, outgoing) => {
      // Casts to the default types, because no member that is used here depends on the type of server.
      const [request, reply] = [incoming as FastifyRequest, outgoing as FastifyReply];
      try {
        request.accessToken = await authenticate(request);
        request.claims = request.accessToken.claims;
      } catch (error) {
        if (!(error instanceof AccessTokenError)) throw error;
        await (async () => respond(authenticator.rejection(error), request, reply))().catch(fail);
        await responseSent();
      }
    };
  };
  return Object.assign(protect, { verifier, metadata });
}

/**
 * Returns a promise that never settles, for a hook that has sent a response.
 *
 * If the hook settled, even with `return reply`, Fastify could run the route's handler: it does so if the client closes the
 * connection while a slow `onSend` hook is running, because the response has not been written yet.
 */
function responseSent(): Promise<never> {
  return new Promise(() => {});
}

function sendRejection({ status, headers, body }: HttpRejection, _request: FastifyRequest, reply: FastifyReply): void {
  reply.code(status).headers(headers).send(body);
}

/** Always throws an `Error`: if a string were thrown and an error handler sent it, the response would have the status 200. */
function fail(cause: unknown): never {
  throw cause instanceof Error ? cause : new Error("non-error thrown", { cause });
}
