import type { AccessToken } from "./access-token.ts";
import { callApplication } from "./application-callback.ts";
import type { VerifierOptions } from "./configuration.ts";
import { type Credentials, keepAccepted, readCredentials, type TokenResolver } from "./credentials.ts";
import { AccessTokenError } from "./errors.ts";
import type { IncomingRequest, NodeRequest } from "./incoming-request.ts";
import { isJsonObject } from "./json-object.ts";
import { callback, knownOptions, type OptionRules } from "./known-options.ts";
import { verifierRules } from "./options.ts";
import type { PresentedToken } from "./presented-token.ts";
import { type RejectionOptions, rejectionRules } from "./rejection.ts";
import { parseRequirements, type Requirements } from "./requirements.ts";
import type { ClientCertificateResolver } from "./resolvers/certificate-resolver.ts";
import { createVerifier, type InnerEntry, innerEntry, type Verdict, type Verifier } from "./verifier.ts";

/** How requests are read, and refused ones answered. */
export interface RequestOptions<Request> extends RejectionOptions {
  /** Finds the client's certificate; default `tlsCertificate`. */
  readonly certificateResolver?: ClientCertificateResolver<Request> | undefined;
  /** Finds the access token instead of the Authorization header; null, undefined and `""`: there is none. */
  readonly tokenResolver?: TokenResolver<Request> | undefined;
  /** Hears of every refused request, for a log line; what it throws is an error of the application. */
  readonly onRejected?: ((error: AccessTokenError, request: Request) => void) | undefined;
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
) => (request: Request) => Promise<AccessToken>) & { readonly verifier: Verifier };

type AnyOptions<Request> = RequestOptions<Request> & VerifierOptions & { readonly verifier?: Verifier | undefined };

const madeHere = "made by createVerifier of this copy of @certbound/core";

const authenticatorRules: OptionRules<AnyOptions<never>> = {
  ...verifierRules,
  ...rejectionRules,
  certificateResolver: callback,
  tokenResolver: callback,
  onRejected: callback,
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
  const { certificateResolver, tokenResolver, onRejected, schemes = ["Bearer"], ...rest } = given;
  const { verifier, verify, configuration } = verifierOf(rest);
  if (configuration.demands.isSenderConstrained && tokenResolver !== undefined) {
    throw new TypeError(
      'certbound: option "tokenResolver" cannot be given: the profile demands the Authorization header',
    );
  }
  const sources = {
    certificateResolver,
    tokenResolver,
    schemes: schemes.map((scheme) => scheme.toLowerCase()),
    acceptedTokens: configuration.verifiedTokens === 0 ? undefined : new WeakMap<object, PresentedToken>(),
  };
  const tell = async (error: AccessTokenError, request: Request): Promise<never> => {
    await callApplication("onRejected", () => onRejected?.(error, request));
    throw error;
  };
  const refuse = (refusal: AccessTokenError, request: Request): Promise<never> =>
    onRejected === undefined ? Promise.reject(refusal) : tell(refusal, request);
  const fail = async (error: unknown, request: Request): Promise<never> => {
    if (error instanceof AccessTokenError) return refuse(error, request);
    throw error;
  };

  const authenticator = (requirements: Requirements<Request> = {}): ((request: Request) => Promise<AccessToken>) => {
    const checked = parseRequirements(requirements, configuration);
    const decide = (credentials: Credentials, request: Request): Verdict | Promise<Verdict> => {
      const { token, certificate } = credentials;
      const conclude = (verdict: Verdict): Verdict => {
        if (!(verdict instanceof AccessTokenError)) keepAccepted(credentials, sources);
        return verdict;
      };
      const verdict = verify(token, { certificate, requirements: checked, request });
      return verdict instanceof Promise ? verdict.then(conclude) : conclude(verdict);
    };
    return (request) => {
      const answer = (verdict: Verdict): Promise<AccessToken> =>
        verdict instanceof AccessTokenError ? refuse(verdict, request) : Promise.resolve(verdict);
      // Nothing is awaited that need not be, and no refusal is thrown on the way: either costs as much as the check.
      try {
        const read = readCredentials(request, sources);
        const verdict = read instanceof Promise ? read.then((found) => decide(found, request)) : decide(read, request);
        if (!(verdict instanceof Promise)) return answer(verdict);
        return verdict.catch((error: unknown) => fail(error, request)).then(answer);
      } catch (error) {
        return fail(error, request);
      }
    };
  };
  return Object.assign(authenticator, { verifier });
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
