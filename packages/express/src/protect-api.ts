import { AccessTokenError, createAuthenticator } from "@certbound/core";
import type { AccessToken, AuthenticatorOptions, HttpRejection, Requirements, Verifier } from "@certbound/core";
import type { Request, Response } from "express";
import { type Incoming, type Outgoing, sendMetadata, sendRejection } from "./responses.ts";

declare global {
  namespace Express {
    interface Request {
      /** The claims of the access token. Set when `protect()` accepts the request; undefined on a route without it. */
      claims: AccessToken["claims"];
      /**
       * The accepted access token, with the client certificate if the token is bound to it. Set when `protect()` accepts the
       * request; undefined on a route without it.
       */
      accessToken: AccessToken;
    }
  }
}

/** A request that a `protect()` handler has accepted. */
export type AuthenticatedExpressRequest = Request & { claims: AccessToken["claims"]; accessToken: AccessToken };

/**
 * Responds to a rejected request, instead of the default response. `forward()` passes the rejection to the application's error
 * handlers, as an `AccessTokenError` with the members of the rejection; it never continues to the route's handler.
 */
export type Respond = (
  rejection: HttpRejection,
  request: Request,
  response: Response,
  forward: (error?: unknown) => void,
) => unknown;

/** Options of {@link protectApi}. */
export type ProtectApiOptions = AuthenticatorOptions<Request> & { readonly respond?: Respond | undefined };

/**
 * A handler for Express, and for other servers that call middleware with Node's request and response, such as connect.
 *
 * Its parameters have Node's types, so that TypeScript still infers the path parameters of an Express route. It calls `next`
 * either without an argument or with an `Error`.
 */
export type ProtectHandler = (request: Incoming, response: Outgoing, next: (error?: Error) => void) => void;

/** Creates a handler that authenticates requests and checks the requirements, before the route's handler runs. */
export type Protect = ((requirements?: Requirements<Request>) => ProtectHandler) & {
  readonly verifier: Verifier;
  /**
   * Creates a handler that serves this API's metadata at its well-known path (RFC 9728 section 3), and calls `next` for every
   * other request. A `protect()` handler that is used for the whole application serves the metadata too.
   *
   * @throws TypeError if the option `resource` is missing
   */
  readonly metadata: () => ProtectHandler;
};

/**
 * Creates the middleware that accepts only requests with a certificate-bound access token (RFC 8705 section 3), unless a route
 * sets `validateCertificateBinding` to another mode.
 *
 * A rejected request gets a response with 400, 401, 403 or 503, or the response of `respond`. Every other error is passed to
 * `next`.
 *
 * @example
 * <!-- source: test/api-examples/express.examples.ts#protectApi -->
 * ```ts
 * import { protectApi } from "@certbound/express";
 * import express from "express";
 * import { createServer } from "node:https";
 *
 * const protect = protectApi({ issuer: "https://auth.example.com", audience: "https://api.example.com" });
 * const app = express();
 * app.get("/accounts", protect({ scopes: ["read"] }), (request, response) => {
 *   response.json({ client: request.claims.client_id });
 * });
 * // The API rejects clients without a certificate: 401, not a failed handshake.
 * const tls = { key, cert, requestCert: true, rejectUnauthorized: false, minVersion: "TLSv1.3" } as const;
 * const server = createServer(tls, app);
 * ```
 *
 * @throws TypeError if an option is unknown, has the wrong type or is missing
 */
export function protectApi(options: ProtectApiOptions = {}): Protect {
  const { respond: customRespond, ...others } = options;
  // Ignores an inherited member, for example of a polluted Object.prototype.
  const respond = customRespond !== undefined && Object.hasOwn(options, "respond") ? customRespond : sendRejection;
  if (typeof respond !== "function") throw new TypeError('certbound: option "respond" must be a function');
  const authenticator = createAuthenticator<Request>(others);
  const { verifier, protectedResource } = authenticator;
  const metadata = (): ProtectHandler => {
    if (protectedResource === undefined) throw new TypeError('certbound: option "resource" is missing');
    return (incoming, outgoing, next) => sendMetadata(protectedResource, incoming, outgoing) || next();
  };
  const protect = (requirements?: Requirements<Request>): ProtectHandler => {
    const authenticate = authenticator(requirements);
    return (incoming, outgoing, next) => {
      if (sendMetadata(protectedResource, incoming, outgoing)) return;
      // The types of Express. With another server, the application's callbacks get that server's request and response.
      const [request, response] = [incoming as Request, outgoing as Response];
      const accept = (accessToken: AccessToken): void => {
        Object.assign(request, { accessToken, claims: accessToken.claims });
        next();
      };
      // Only an Error reliably stops Express: next(undefined) and next("route") would continue.
      const fail = (cause: unknown) => next(cause instanceof Error ? cause : new Error("non-error thrown", { cause }));
      const reject = async (error: unknown): Promise<void> => {
        if (!(error instanceof AccessTokenError)) return fail(error);
        const rejection = authenticator.rejection(error);
        const rejected = Object.assign(Object.create(error) as AccessTokenError, rejection);
        await respond(rejection, request, response, (other) => next(other instanceof Error ? other : rejected));
      };
      // Express does not get the promise, so without the last catch an error would leave the request without a response.
      authenticate(request).then(accept, reject).catch(fail);
    };
  };
  return Object.assign(protect, { verifier, metadata });
}
