import { AccessTokenError, createAuthenticator } from "@certbound/core";
import type { AccessToken, AuthenticatorOptions, HttpRejection, Requirements, Verifier } from "@certbound/core";
import type { Request, Response } from "express";
import { type Incoming, type Outgoing, sendMetadata, sendRejection } from "./responses.ts";

declare global {
  namespace Express {
    interface Request {
      /** The claims of the token: set once `protect()` has let the request pass; undefined on a route without it. */
      claims: AccessToken["claims"];
      /**
       * The accepted access token, with the client certificate if the token is bound to it: set once `protect()` has let the
       * request pass; undefined on a route without it.
       */
      accessToken: AccessToken;
    }
  }
}

/** A request that a `protect()` handler has let pass. */
export type AuthenticatedExpressRequest = Request & { claims: AccessToken["claims"]; accessToken: AccessToken };

/**
 * Answers a rejected request instead of the default. `forward()` passes the rejection on to the application's error
 * handlers, as an `AccessTokenError` with the members of the rejection; it never continues to the route's handler.
 */
export type Respond = (
  rejection: HttpRejection,
  request: Request,
  response: Response,
  forward: (error?: unknown) => void,
) => unknown;

/** What `protectApi` takes. */
export type ProtectApiOptions = AuthenticatorOptions<Request> & { readonly respond?: Respond | undefined };

/**
 * A handler for Express, and for other servers that call middleware with Node's request and response, such as connect.
 *
 * With Node's types, an Express route keeps its inferred parameters. What is passed to `next` is always an error.
 */
export type ProtectHandler = (request: Incoming, response: Outgoing, next: (error?: Error) => void) => void;

/** Takes the requirements of a route, and gives the handler that goes before the route's own. */
export type Protect = ((requirements?: Requirements<Request>) => ProtectHandler) & {
  readonly verifier: Verifier;
  /**
   * Gives the handler that serves this API's metadata at its well-known path (RFC 9728 section 3), and passes every other
   * request on; a handler of `protect()` that is used for the whole application serves the metadata too.
   *
   * @throws TypeError without the option `resource`
   */
  readonly metadata: () => ProtectHandler;
};

/**
 * Creates the middleware that lets only requests with a certificate-bound access token pass (RFC 8705 section 3), unless
 * `validateCertificateBinding` of a route says otherwise.
 *
 * A rejected request is answered with 400, 401, 403 or 503, or by `respond`. Every other failure goes to `next(error)`.
 *
 * @throws TypeError when an option is unknown, ill-typed or missing
 */
export function protectApi(options: ProtectApiOptions = {}): Protect {
  const { respond: given, ...others } = options;
  // What every object inherits was not given.
  const respond = given !== undefined && Object.hasOwn(options, "respond") ? given : sendRejection;
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
      // Express calls its handlers with these. The callbacks of an application without Express get what its server has.
      const [request, response] = [incoming as Request, outgoing as Response];
      const accept = (accessToken: AccessToken): void => {
        Object.assign(request, { accessToken, claims: accessToken.claims });
        next();
      };
      // An error stops Express for certain: next(undefined) and next("route") would go on.
      const fail = (cause: unknown) => next(cause instanceof Error ? cause : new Error("non-error thrown", { cause }));
      const reject = async (error: unknown): Promise<void> => {
        if (!(error instanceof AccessTokenError)) return fail(error);
        const rejection = authenticator.rejection(error);
        const rejected = Object.assign(Object.create(error) as AccessTokenError, rejection);
        await respond(rejection, request, response, (other) => next(other instanceof Error ? other : rejected));
      };
      // The promise is not returned to Express: without the last catch, a failure would leave the request hanging.
      authenticate(request).then(accept, reject).catch(fail);
    };
  };
  return Object.assign(protect, { verifier, metadata });
}
