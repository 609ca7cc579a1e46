import type { AccessToken } from "./access-token.ts";
import { callApplication } from "./application-callback.ts";
import type { VerifierOptions } from "./configuration.ts";
import { type Credentials, keepAccepted, readCredentials, type TokenResolver } from "./credentials.ts";
import { type Observation, observeDecision } from "./decision.ts";
import { AccessTokenError } from "./errors.ts";
import type { IncomingRequest, NodeRequest } from "./incoming-request.ts";
import { isJsonObject } from "./json-object.ts";
import { callback, knownOptions, type OptionRules } from "./known-options.ts";
import { verifierRules } from "./options.ts";
import { withoutPrototype } from "./object-member.ts";
import type { PresentedToken } from "./presented-token.ts";
import { describeProtectedResource, furtherMetadata, type ProtectedResource } from "./protected-resource.ts";
import { type RejectionOptions, rejectionRules } from "./rejection.ts";
import { parseRequirements, type Requirements } from "./requirements.ts";
import type { ClientCertificateResolver } from "./resolvers/certificate-resolver.ts";
import { tlsCertificate } from "./resolvers/tls-certificate.ts";
import { createSetupWarnings } from "./setup-warnings.ts";
import { createVerifier, type InnerEntry, innerEntry, type Verdict, type Verifier } from "./verifier.ts";
import { isThenable } from "./thenable.ts";

/** How requests are read, and refused ones answered. */
export interface RequestOptions<Request> extends RejectionOptions {
  /** Finds the client's certificate; default `tlsCertificate`. */
  readonly certificateResolver?: ClientCertificateResolver<Request> | undefined;
  /** Finds the access token instead of the Authorization header; null, undefined and `""`: there is none. */
  readonly tokenResolver?: TokenResolver<Request> | undefined;
  /** Hears of every refused request, for a log line; what it throws is an error of the application. */
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
 * refused (`httpRejection` gives the answer), and with any other error when something else failed (500).
 */
export type Authenticator<Request> = ((
  requirements?: Requirements<Request>,
) => (request: Request) => Promise<AccessToken>) & {
  readonly verifier: Verifier;
  /** The metadata of this API, generated from its options (RFC 9728); undefined without the option `resource`. */
  readonly protectedResource: ProtectedResource | undefined;
};

type AnyOptions<Request> = RequestOptions<Request> & VerifierOptions & { readonly verifier?: Verifier | undefined };

const madeHere = "made by createVerifier of this copy of @certbound/core";

const authenticatorRules: OptionRules<AnyOptions<never>> = {
  ...verifierRules,
  ...rejectionRules,
  certificateResolver: callback,
  tokenResolver: callback,
  onRejected: callback,
  resourceMetadata: furtherMetadata,
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
  const { certificateResolver, tokenResolver, onRejected, resourceMetadata, schemes = ["Bearer"], ...rest } = given;
  const { verifier, verify, configuration } = verifierOf(withoutPrototype(rest));
  if (configuration.demands.isSenderConstrained && tokenResolver !== undefined) {
    throw new TypeError(
      'certbound: option "tokenResolver" cannot be given: the profile demands the Authorization header',
    );
  }
  const { resource } = given;
  if (resourceMetadata !== undefined && resource === undefined) {
    throw new TypeError('certbound: option "resourceMetadata" needs option "resource"');
  }
  const sources = {
    certificateResolver,
    tokenResolver,
    connections: new WeakSet<object>(),
    warnOfSetup: createSetupWarnings({
      readsConnection: certificateResolver === undefined || certificateResolver === tlsCertificate,
    }),
    schemes: schemes.map((scheme) => scheme.toLowerCase()),
    acceptedTokens: configuration.verifiedTokens === 0 ? undefined : new WeakMap<object, PresentedToken>(),
  };
  const scopes = new Set<string>();
  const protectedResource =
    resource === undefined
      ? undefined
      : describeProtectedResource({
          resource,
          configuration,
          isBearerHeader: tokenResolver === undefined && sources.schemes.includes("bearer"),
          further: resourceMetadata ?? {},
          scopes,
        });
  const tell = async (error: AccessTokenError, request: Request): Promise<never> => {
    await callApplication("onRejected", () => onRejected?.(error, request));
    throw error;
  };
  const refuse = (refusal: AccessTokenError, request: Request): Promise<never> =>
    onRejected === undefined ? Promise.reject(refusal) : tell(refusal, request);
  const fail = async (error: unknown, request: Request, observation: Observation | undefined): Promise<never> => {
    const isRefusal = error instanceof AccessTokenError;
    observation?.conclude(isRefusal ? error : undefined);
    if (isRefusal) return refuse(error, request);
    throw error;
  };

  const authenticator = (requirements: Requirements<Request> = {}): ((request: Request) => Promise<AccessToken>) => {
    const checked = parseRequirements(requirements, configuration);
    for (const scope of checked.scopes ?? []) scopes.add(scope);
    const decide = (
      credentials: Credentials,
      request: Request,
      observation: Observation | undefined,
    ): Verdict | Promise<Verdict> => {
      const { token, certificate } = credentials;
      const conclude = (verdict: Verdict): Verdict => {
        if (!(verdict instanceof AccessTokenError)) keepAccepted(credentials, sources);
        return verdict;
      };
      const verdict = verify(token, { certificate, requirements: checked, request, observation });
      return isThenable(verdict) ? verdict.then(conclude) : conclude(verdict);
    };
    return (request) => {
      const observation = observeDecision();
      const answer = (verdict: Verdict): Promise<AccessToken> => {
        observation?.conclude(verdict);
        return verdict instanceof AccessTokenError ? refuse(verdict, request) : Promise.resolve(verdict);
      };
      // Nothing is awaited that need not be, and where possible no error is thrown: either costs as much as the check.
      try {
        const read = readCredentials(request, sources);
        const verdict = isThenable(read)
          ? read.then((found) => decide(found, request, observation))
          : decide(read, request, observation);
        if (!isThenable(verdict)) return answer(verdict);
        return verdict.catch((error: unknown) => fail(error, request, observation)).then(answer);
      } catch (error) {
        return fail(error, request, observation);
      }
    };
  };
  return Object.assign(authenticator, { verifier, protectedResource });
}

/** Takes the verifier that was given, which excludes every option that configures one, or creates it. */
function verifierOf(
  options: RejectionOptions & VerifierOptions & { readonly verifier?: Verifier | undefined },
): InnerEntry & { readonly verifier: Verifier } {
  const { realm: _realm, resource: _resource, verifier: given, ...verifierOptions } = options;
  const [surplus] = Object.keys(verifierOptions);
  if (given !== undefined && surplus !== undefined) {
    throw new TypeError(`certbound: option "${surplus}" configures a verifier, and option "verifier" gives one`);
  }
  const verifier = given ?? createVerifier(verifierOptions);
  const entry = innerEntry(verifier);
  if (entry === undefined) throw new TypeError(`certbound: option "verifier" must be ${madeHere}`);
  return { verifier, ...entry };
}
