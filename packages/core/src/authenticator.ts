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

/** How requests are read, and rejected ones answered. */
export interface RequestOptions<Request> extends RejectionOptions {
  /** Finds the client's certificate; default `tlsCertificate`. */
  readonly certificateResolver?: ClientCertificateResolver<Request> | undefined;
  /** Finds the access token instead of the Authorization header; null, undefined and `""`: there is none. */
  readonly tokenResolver?: TokenResolver<Request> | undefined;
  /** Hears of every rejected request, for a log line; what it throws is an error of the application. */
  readonly onRejected?: ((error: AccessTokenError, request: Request) => void) | undefined;
  /**
   * Further members of this API's metadata (RFC 9728 section 2), such as `resource_name` and `resource_documentation`; needs
   * the option `resource`. The members `resource`, `authorization_servers`, `bearer_methods_supported` and
   * `tls_client_certificate_bound_access_tokens` are generated, and cannot be given.
   */
  readonly resourceMetadata?: Readonly<Record<string, unknown>> | undefined;
}

/** Configures an authenticator: how requests are read, and a verifier or the options of one. */
export type AuthenticatorOptions<Request> = RequestOptions<Request> &
  (
    | (VerifierOptions & { readonly verifier?: never })
    | ({ readonly verifier: Verifier } & { readonly [Name in keyof VerifierOptions]?: never })
  );

/**
 * Takes the requirements of a route, and gives the function that authenticates its requests.
 *
 * That function resolves with the accepted token. It rejects with an {@link AccessTokenError} when the request is to be
 * rejected (`httpRejection` gives the answer), and with any other error when something else failed (500).
 */
export type Authenticator<Request> = ((
  requirements?: Requirements<Request>,
) => (request: Request) => Promise<AccessToken>) & {
  readonly verifier: Verifier;
  /** The metadata of this API, generated from its options (RFC 9728); undefined without the option `resource`. */
  readonly protectedResource: ProtectedResource | undefined;
  /**
   * Returns the response to a rejected request, with the configured realm, schemes and resource.
   *
   * @throws TypeError when the error is not an AccessTokenError: then it is not the client's fault
   */
  rejection(error: AccessTokenError): HttpRejection;
};

type AnyOptions<Request> = RequestOptions<Request> & VerifierOptions & { readonly verifier?: Verifier | undefined };

const madeHere = "made by createVerifier of this copy of @certbound/core";

const authenticatorRules: OptionRules<AnyOptions<never>> = {
  ...verifierRules,
  ...rejectionRules,
  certificateResolver: callback,
  tokenResolver: callback,
  onRejected: callback,
  resourceMetadata: additionalMetadata,
  verifier: {
    expected: madeHere,
    accepts: isJsonObject,
  },
};

/**
 * Creates what protects requests in any Node server: the part that every adapter is made of.
 *
 * @throws TypeError when an option is unknown, ill-typed or missing
 */
export function createAuthenticator<Request extends IncomingRequest = NodeRequest>(
  options: AuthenticatorOptions<Request> = {},
): Authenticator<Request> {
  const given = knownOptions<AnyOptions<Request>>("the options", options, authenticatorRules, "not-given");
  const { certificateResolver, tokenResolver, onRejected, resourceMetadata, ...others } = given;
  const { realm, schemes = ["Bearer"], resource, verifier: shared, ...verifierOptions } = withoutPrototype(others);
  const verifier = verifierOf(shared, verifierOptions);
  const parts = ownParts(verifier);
  const { configuration } = parts;
  if (configuration.profileRules.isSenderConstrained && tokenResolver !== undefined) {
    throw new TypeError(
      'certbound: option "tokenResolver" cannot be given: the profile demands the Authorization header',
    );
  }
  if (resourceMetadata !== undefined && resource === undefined) {
    throw new TypeError('certbound: option "resourceMetadata" needs option "resource"');
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
          further: resourceMetadata ?? {},
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
        const use = { certificate, requirements: checked, request, observation };
        const accessToken = await verifyToken(token, use, parts);
        observation?.accepted(accessToken);
        return accessToken;
      } catch (error) {
        observation?.threw(error);
        const isHeard = onRejected !== undefined && error instanceof AccessTokenError;
        if (isHeard) await callApplication("onRejected", () => onRejected(error, request));
        throw error;
      }
    };
  };
  const rejection = (error: AccessTokenError): HttpRejection => httpRejection(error, { realm, schemes, resource });
  return Object.assign(authenticator, { verifier, protectedResource, rejection });
}

/** Takes the verifier that was given, which excludes every option that configures one, or creates it. */
function verifierOf(given: Verifier | undefined, options: VerifierOptions): Verifier {
  const [surplus] = Object.keys(options);
  if (given !== undefined && surplus !== undefined) {
    throw new TypeError(`certbound: option "${surplus}" configures a verifier, and option "verifier" gives one`);
  }
  return given ?? createVerifier(options);
}

function ownParts(verifier: Verifier): VerifierParts {
  const parts = partsOf(verifier);
  if (parts === undefined) throw new TypeError(`certbound: option "verifier" must be ${madeHere}`);
  return parts;
}

/** What {@link protectedResourceMetadata} takes: the options of an API, and the scopes that its routes ask for. */
export type ProtectedResourceOptions<Request> = AuthenticatorOptions<Request> & {
  /** Scopes that routes ask for; default: none are named. */
  readonly scopes?: readonly string[] | undefined;
};

/**
 * Generates the metadata of an API as an OAuth 2.0 protected resource (RFC 9728 section 2) from its options, for a
 * server that serves it by itself; the adapters do so at the well-known path.
 *
 * It names no algorithms: the registered member is of signed responses, not of tokens. Nothing is fetched.
 *
 * @throws TypeError when an option is unknown, ill-typed or missing; `resource` must be given
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
