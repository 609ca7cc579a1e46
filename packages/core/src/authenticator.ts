import type { AccessToken } from "./access-token.ts";
import { callApplication } from "./application-callback.ts";
import type { VerifierOptions } from "./configuration.ts";
import { readCredentials, type TokenResolver } from "./credentials.ts";
import { AccessTokenError } from "./errors.ts";
import type { IncomingRequest, NodeRequest } from "./incoming-request.ts";
import { callback, knownOptions, type OptionRules } from "./known-options.ts";
import { verifierRules } from "./options.ts";
import { type RejectionOptions, rejectionRules } from "./rejection.ts";
import { parseRequirements, type Requirements } from "./requirements.ts";
import type { ClientCertificateResolver } from "./resolvers/certificate-resolver.ts";
import { tlsCertificate } from "./resolvers/tls-certificate.ts";
import { createVerifier, type InnerEntry, innerEntry, type Verifier } from "./verifier.ts";

/** How requests are read, and refused ones answered. */
export interface RequestOptions<Request> extends RejectionOptions {
  /** Finds the client's certificate; default {@link tlsCertificate}. */
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

const authenticatorRules: OptionRules<AnyOptions<never>> = {
  ...verifierRules,
  ...rejectionRules,
  certificateResolver: callback,
  tokenResolver: callback,
  onRejected: callback,
  verifier: {
    expected: "made by createVerifier of this copy of @certbound/core",
    accepts: (value) => typeof value === "object" && value !== null && innerEntry(value) !== undefined,
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
  const { certificateResolver = tlsCertificate, tokenResolver, onRejected, schemes = ["Bearer"], ...rest } = given;
  const sources = { certificateResolver, tokenResolver, schemes: schemes.map((scheme) => scheme.toLowerCase()) };
  const { verifier, verify, configuration } = verifierOf(rest);

  const authenticator = (requirements: Requirements<Request> = {}): ((request: Request) => Promise<AccessToken>) => {
    const checked = parseRequirements(requirements, configuration);
    return async (request) => {
      try {
        const read = readCredentials(request, sources);
        const { token, certificate } = read instanceof Promise ? await read : read;
        return await verify(token, { certificate, requirements: checked, request });
      } catch (error) {
        if (error instanceof AccessTokenError) await callApplication("onRejected", () => onRejected?.(error, request));
        throw error;
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
  if (entry === undefined) throw new TypeError('certbound: option "verifier" must be made by createVerifier');
  return { verifier, ...entry };
}
