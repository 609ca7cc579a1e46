import { AccessTokenError, createAuthenticator, httpRejection } from "@certbound/core";
import type { AccessToken, AuthenticatorOptions, HttpRejection, Requirements, Verifier } from "@certbound/core";
import type { NextFunction, Request, Response } from "express";
import type { IncomingMessage, ServerResponse } from "node:http";
import { metadataSender } from "./metadata-sender.ts";

declare global {
  namespace Express {
    interface Request {
      /** The claims of the accepted access token; set once a `protect()` handler has let the request pass. */
      claims?: AccessToken["claims"];
      /** The accepted access token, with the client certificate if the token is bound to it. */
      accessToken?: AccessToken;
    }
  }
}

/** A request that a `protect()` handler has let pass. */
export type AuthenticatedExpressRequest = Request & { claims: AccessToken["claims"]; accessToken: AccessToken };

/**
 * Answers a refused request instead of the default. `forward()` passes the rejection on to the application's error
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

/** An Express handler, in Node's types so that a route keeps its inferred parameters. */
export type ProtectHandler = (request: IncomingMessage, response: ServerResponse, next: NextFunction) => void;

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
 * A refused request is answered with 400, 401, 403 or 503, or by `respond`. Every other failure goes to `next(error)`.
 *
 * @throws TypeError when an option is unknown, ill-typed or missing
 */
export function protectApi(options: ProtectApiOptions = {}): Protect {
  // Own members only: what every object inherits was not given.
  const own = Object.assign(Object.create(null) as object, options);
  const { respond = sendRejection, ...rest } = own;
  const { realm, schemes, resource } = own;
  if (typeof respond !== "function") throw new TypeError('certbound: option "respond" must be a function');
  const authenticator = createAuthenticator<Request>(rest);
  const { verifier, protectedResource } = authenticator;
  const sendMetadata = metadataSender(protectedResource);
  const metadata = (): ProtectHandler => {
    if (protectedResource === undefined) throw new TypeError('certbound: option "resource" is missing');
    return (incoming, outgoing, next) => sendMetadata(incoming, outgoing) || next();
  };
  const protect = (requirements?: Requirements<Request>): ProtectHandler => {
    const authenticate = authenticator(requirements);
    return (incoming, outgoing, next) => {
      if (sendMetadata(incoming, outgoing)) return;
      // Express calls its handlers with these; Node's types are in the signature for the sake of inference alone.
      const [request, response] = [incoming as Request, outgoing as Response];
      const accept = (accessToken: AccessToken): void => {
        Object.assign(request, { accessToken, claims: accessToken.claims });
        next();
      };
      // An error stops Express for certain: next(undefined) and next("route") would go on.
      const fail = (cause: unknown) => next(cause instanceof Error ? cause : new Error("non-error thrown", { cause }));
      const reject = async (error: unknown): Promise<void> => {
        if (!(error instanceof AccessTokenError)) return fail(error);
        const rejection = httpRejection(error, { realm, schemes, resource });
        const rejected = Object.assign(Object.create(error) as AccessTokenError, rejection);
        await respond(rejection, request, response, (other) => next(other instanceof Error ? other : rejected));
      };
      // The promise is not returned to Express: without the last catch, a failure would leave the request hanging.
      authenticate(request).then(accept, reject).catch(fail);
    };
  };
  return Object.assign(protect, { verifier, metadata });
}

function sendRejection({ status, headers, body }: HttpRejection, _request: Request, response: Response): void {
  response.status(status);
  // Express would also set what `headers` inherits.
  for (const [name, value] of Object.entries(headers)) response.set(name, value);
  response.json(body);
}
