import type { AccessToken } from "./access-token.ts";
import { callApplication } from "./runtime/application-callback.ts";
import { acceptCachedRequest } from "./cached-token.ts";
import type { VerifierOptions } from "./options/configuration.ts";
import { createCredentialSources, readCredentials, type TokenResolver } from "./credentials.ts";
import { observeDecision } from "./events/decision.ts";
import { AccessTokenError } from "./errors.ts";
import type { IncomingRequest, NodeRequest } from "./http/incoming-request.ts";
import { isJsonObject } from "./values/json-object.ts";
import { callback, knownOptions, type OptionRules } from "./values/known-options.ts";
import { verifierRules } from "./options/verifier-options.ts";
import { withoutPrototype } from "./values/object-member.ts";
import {
  describeProtectedResource,
  additionalMetadata,
  type ProtectedResource,
  type ProtectedResourceMetadata,
} from "./http/protected-resource.ts";
import { type HttpRejection, httpRejection, type RejectionOptions, rejectionRules } from "./http/rejection.ts";
import { parseRequirements, type Requirements } from "./requirements.ts";
import type { ClientCertificateResolver } from "./certificate/client-certificate.ts";
import { createVerifier, partsOf, type Verifier, type VerifierParts, verifyToken } from "./verifier.ts";

/** Configures how credentials are read from requests, and the response to rejected requests. */
export interface RequestOptions<Request> extends RejectionOptions {
  /** Finds the client's certificate. Default: `tlsCertificate`. */
  readonly certificateResolver?: ClientCertificateResolver<Request> | undefined;
  /** Finds the access token. Default: the Authorization header. Null, undefined and `""` count as a missing token. */
  readonly tokenResolver?: TokenResolver<Request> | undefined;
  /** Called for every rejected request, for example to log it. If it throws, the request fails with 500. */
  readonly onRejected?: ((error: AccessTokenError, request: Request) => void) | undefined;
  /**
   * Additional members of this API's metadata (RFC 9728 section 2), such as `resource_name` and `resource_documentation`.
   * Requires the option `resource`. The members `resource`, `authorization_servers`, `bearer_methods_supported` and
   * `tls_client_certificate_bound_access_tokens` are generated and cannot be set.
   */
  readonly resourceMetadata?: Readonly<Record<string, unknown>> | undefined;
}

/** Configures an authenticator: the request options, and either a `verifier` or the options to create one. */
export type AuthenticatorOptions<Request> = RequestOptions<Request> &
  (
    | (VerifierOptions & { readonly verifier?: never })
    | ({ readonly verifier: Verifier } & { readonly [Name in keyof VerifierOptions]?: never })
  );

/**
 * Takes the requirements of a route and returns the function that authenticates its requests.
 *
 * The returned function resolves with the accepted token. It rejects with an {@link AccessTokenError} if the request must be
 * rejected (call `rejection` for the response). Any other error was not caused by the client: respond with 500.
 */
export type Authenticator<Request> = ((
  requirements?: Requirements<Request>,
) => (request: Request) => Promise<AccessToken>) & {
  readonly verifier: Verifier;
  /** The metadata of this API, generated from its options (RFC 9728). Undefined without the option `resource`. */
  readonly protectedResource: ProtectedResource | undefined;
  /**
   * Returns the response to a rejected request, with the configured realm, schemes and resource.
   *
   * @throws TypeError if the error is not an AccessTokenError: respond with 500, because the client did not cause it
   */
  rejection(error: AccessTokenError): HttpRejection;
};

type AnyOptions<Request> = RequestOptions<Request> & VerifierOptions & { readonly verifier?: Verifier | undefined };

const expectedVerifier = "created by createVerifier of this copy of @certbound/core";

const authenticatorRules: OptionRules<AnyOptions<never>> = {
  ...verifierRules,
  ...rejectionRules,
  certificateResolver: callback,
  tokenResolver: callback,
  onRejected: callback,
  resourceMetadata: additionalMetadata,
  verifier: {
    expected: expectedVerifier,
    accepts: isJsonObject,
  },
};

/**
 * Creates an authenticator, which protects the routes of any Node server. The Express and Fastify adapters are built on it.
 *
 * @example
 * <!-- source: test/api-examples/core.examples.ts#createAuthenticator -->
 * ```ts
 * import { AccessTokenError, createAuthenticator } from "@certbound/core";
 *
 * const protect = createAuthenticator({ issuer: "https://auth.example.com", audience: "https://api.example.com" });
 * const authenticate = protect({ scopes: ["read"] });
 * try {
 *   const { claims } = await authenticate(request);
 *   response.end(claims.client_id);
 * } catch (error) {
 *   if (!(error instanceof AccessTokenError)) throw error; // not caused by the client: respond with 500
 *   const { status, headers } = protect.rejection(error);
 *   response.writeHead(status, headers).end();
 * }
 * ```
 *
 * @throws TypeError if an option is unknown, missing or has the wrong type
 */
export function createAuthenticator<Request extends IncomingRequest = NodeRequest>(
  options: AuthenticatorOptions<Request> = {},
): Authenticator<Request> {
  const given = knownOptions<AnyOptions<Request>>("the options", options, authenticatorRules, "not-given");
  const { certificateResolver, tokenResolver, onRejected, resourceMetadata, ...others } = given;
  const { realm, schemes = ["Bearer"], resource, verifier: shared, ...verifierOptions } = withoutPrototype(others);
  const verifier = verifierOf(shared, verifierOptions);
  const parts = requireParts(verifier);
  const { configuration } = parts;
  if (configuration.profileRules.isSenderConstrained && tokenResolver !== undefined) {
    throw new TypeError(
      'certbound: option "tokenResolver" is not allowed: the profile requires the Authorization header',
    );
  }
  if (resourceMetadata !== undefined && resource === undefined) {
    throw new TypeError('certbound: option "resourceMetadata" requires option "resource"');
  }
  const sources = createCredentialSources<Request>({ certificateResolver, tokenResolver, schemes });
  const scopes = new Set<string>();
  const isBearerHeader = tokenResolver === undefined && sources.schemes.includes("bearer");
  const protectedResource =
    resource === undefined
      ? undefined
      : describeProtectedResource({
          resource,
          issuers: configuration.issuers.map(({ issuer }) => issuer),
          isBearerHeader,
          additionalMembers: resourceMetadata ?? {},
          scopes,
        });

  const authenticator = (requirements: Requirements<Request> = {}): ((request: Request) => Promise<AccessToken>) => {
    const checked = parseRequirements(requirements, configuration);
    for (const scope of checked.scopes ?? []) scopes.add(scope);
    return async (request) => {
      const cached = acceptCachedRequest(request, checked, { sources, parts });
      if (cached !== undefined) return cached;
      const observation = observeDecision();
      try {
        const { token, certificate } = await readCredentials(request, sources);
        const input = { certificate, requirements: checked, request, observation };
        const accessToken = await verifyToken(token, input, parts);
        observation?.accepted(accessToken);
        return accessToken;
      } catch (error) {
        observation?.threw(error);
        if (onRejected !== undefined && error instanceof AccessTokenError) {
          await callApplication("onRejected", () => onRejected(error, request));
        }
        throw error;
      }
    };
  };
  const rejection = (error: AccessTokenError): HttpRejection => httpRejection(error, { realm, schemes, resource });
  return Object.assign(authenticator, { verifier, protectedResource, rejection });
}

/**
 * Returns the shared verifier, or creates a verifier from the options. A shared verifier cannot be combined with such
 * options.
 */
function verifierOf(shared: Verifier | undefined, options: VerifierOptions): Verifier {
  const [conflicting] = Object.keys(options);
  if (shared !== undefined && conflicting !== undefined) {
    throw new TypeError(`certbound: option "${conflicting}" cannot be combined with option "verifier"`);
  }
  return shared ?? createVerifier(options);
}

function requireParts(verifier: Verifier): VerifierParts {
  const parts = partsOf(verifier);
  if (parts === undefined) throw new TypeError(`certbound: option "verifier" must be ${expectedVerifier}`);
  return parts;
}

/** Options of {@link protectedResourceMetadata}: the options of an API, and the scopes that its routes require. */
export type ProtectedResourceOptions<Request> = AuthenticatorOptions<Request> & {
  /** Scopes that routes require. Default: none. */
  readonly scopes?: readonly string[] | undefined;
};

/**
 * Generates the protected resource metadata of an API (RFC 9728 section 2) from its options. Only needed without an adapter:
 * the adapters serve the metadata at its well-known path.
 *
 * Does not include `resource_signing_alg_values_supported`, which is about signed responses, not about tokens. Does not send
 * any request.
 *
 * @example
 * <!-- source: test/api-examples/core.examples.ts#protectedResourceMetadata -->
 * ```ts
 * // GET https://api.example.com/.well-known/oauth-protected-resource
 * const metadata = protectedResourceMetadata({
 *   issuer: "https://auth.example.com",
 *   audience: "https://api.example.com",
 *   resource: "https://api.example.com",
 *   scopes: ["read", "write"],
 * });
 * response.setHeader("content-type", "application/json").end(JSON.stringify(metadata));
 * ```
 *
 * @throws TypeError if an option is unknown, missing or has the wrong type; `resource` is required
 */
export function protectedResourceMetadata<Request extends IncomingRequest = NodeRequest>(
  options: ProtectedResourceOptions<Request>,
): ProtectedResourceMetadata {
  const { scopes, ...rest } = withoutPrototype(options);
  const authenticator = createAuthenticator<Request>(rest);
  if (scopes !== undefined) authenticator({ scopes });
  const { protectedResource } = authenticator;
  if (protectedResource === undefined) throw new TypeError('certbound: option "resource" is missing');
  return protectedResource.metadata();
}
