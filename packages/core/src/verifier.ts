import type { AccessToken, AccessTokenClaims, BindingOutcome } from "./access-token.ts";
import { judgeBinding, type PresentedCertificate, presentedCertificate } from "./binding.ts";
import { checkClaims } from "./claims.ts";
import type { ClientCertificateInput } from "./client-certificate.ts";
import { parseCompactJws, parseJsonObject } from "./compact-jws.ts";
import type { IssuerConfiguration, VerifierConfiguration, VerifierOptions } from "./configuration.ts";
import { AccessTokenError, isCertificateErrorCode } from "./errors.ts";
import { deepFreeze, type JsonObject, ownMember } from "./json-object.ts";
import { createIssuerKeys } from "./keys/issuer-keys.ts";
import type { KeySource } from "./keys/key-source.ts";
import { knownOptions, type OptionRules } from "./known-options.ts";
import { parseVerifierOptions } from "./options.ts";
import {
  type CheckedRequirements,
  checkedRequirements,
  checkRequirements,
  requirementRules,
  type Requirements,
} from "./requirements.ts";
import { verifySignature } from "./signature.ts";

/** Verifies certificate-bound access tokens; made by {@link createVerifier}, usable by many requests at once. */
export interface Verifier {
  /**
   * Verifies a token, its binding to the client's certificate, and the requirements.
   *
   * @throws AccessTokenError any code but `ERR_TOKEN_MISSING` and `ERR_REQUEST_MALFORMED`, which are of requests
   * @throws TypeError when an option is unknown, ill-typed or missing
   */
  verify(token: string, options: VerifyOptions): Promise<AccessToken>;
  /**
   * Fetches the keys of every issuer that publishes them, to find out before the first request.
   *
   * @throws AccessTokenError `ERR_KEYS_UNAVAILABLE`
   */
  ready(): Promise<void>;
}

/** What one token is verified against. */
export interface VerifyOptions extends Requirements {
  /** The certificate that the client presented; null or `""`: none; an error: why there is none. Must be given. */
  readonly clientCertificate: ClientCertificateInput | AccessTokenError | null;
}

/** One use of the verifier, checked: what an authenticator hands in. */
export interface VerificationRequest<Request> {
  readonly certificate: PresentedCertificate;
  readonly requirements: CheckedRequirements<Request>;
  readonly request: Request;
}

/** The verifier's inner entry, whose input was checked. */
export type VerifyChecked = <Request>(token: string, use: VerificationRequest<Request>) => Promise<AccessToken>;

interface Issuer {
  readonly configuration: IssuerConfiguration;
  readonly keys: KeySource;
}

interface Setup {
  readonly configuration: VerifierConfiguration;
  readonly issuers: ReadonlyMap<unknown, Issuer>;
}

type Judgement = { readonly claims: AccessTokenClaims } & BindingOutcome;

const verifyRules: OptionRules<VerifyOptions> = {
  ...requirementRules,
  clientCertificate: {
    expected:
      "PEM, base64 DER, bytes, an X509Certificate, { thumbprint }, an AccessTokenError with an ERR_CERTIFICATE_* code, or null",
    accepts: (value) =>
      value instanceof AccessTokenError
        ? isCertificateErrorCode(value.code)
        : value === null || typeof value === "string" || (typeof value === "object" && !Array.isArray(value)),
  },
};

const innerEntries = new WeakMap<object, VerifyChecked>();

/**
 * Creates a verifier of access tokens: JWTs (RFC 9068) of the configured issuers, bound to a client certificate (RFC 8705).
 *
 * It does not ask the issuer whether a token was revoked.
 *
 * @throws TypeError when an option is unknown, ill-typed or missing
 */
export function createVerifier(options: VerifierOptions = {}): Verifier {
  const configuration = parseVerifierOptions(options);
  const issuers = new Map<unknown, Issuer>(
    configuration.issuers.map((issuer) => [
      issuer.issuer,
      { configuration: issuer, keys: createIssuerKeys(issuer, configuration) },
    ]),
  );
  const verifyChecked: VerifyChecked = (token, use) => verifyToken(token, use, { configuration, issuers });
  const verifier: Verifier = Object.freeze({
    async verify(token: string, use: VerifyOptions) {
      if (typeof token !== "string") throw new TypeError("certbound: the access token must be a string");
      const { clientCertificate, ...given } = knownOptions("the verify options", use, verifyRules, "refused");
      if (clientCertificate === undefined) throw new TypeError('certbound: option "clientCertificate" is missing');
      const certificate = presentedCertificate(clientCertificate);
      return verifyChecked(token, { certificate, requirements: checkedRequirements(given), request: undefined });
    },
    async ready() {
      await Promise.all([...issuers.values()].map(({ keys }) => keys.ready()));
    },
  });
  innerEntries.set(verifier, verifyChecked);
  return verifier;
}

/** Gives the inner entry of a verifier that was made here; undefined for any other object. */
export function innerEntry(verifier: object): VerifyChecked | undefined {
  return innerEntries.get(verifier);
}

/** Shape, claims, certificate and binding; then keys and signature; then the same on what was signed; then requirements. */
async function verifyToken<Request>(
  token: string,
  { certificate, requirements, request }: VerificationRequest<Request>,
  { configuration, issuers }: Setup,
): Promise<AccessToken> {
  const { validateCertificateBinding: mode } = requirements;
  const jws = beforeSignature(() => parseCompactJws(token));
  const issuer = issuers.get(ownMember(jws.unverifiedClaims, "iss"));
  const rules = { configuration, issuer: issuer?.configuration, bindingRequired: mode === true };
  const judge = (claims: JsonObject): Judgement => ({
    claims: checkClaims(jws, claims, rules),
    ...judgeBinding(claims, certificate, mode),
  });
  // These only ever refuse, so that a stolen or garbage token costs neither a signature nor a fetch.
  beforeSignature(() => judge(jws.unverifiedClaims));
  // The claims of an unknown issuer have just been refused.
  const keys = await (issuer as Issuer).keys.find(jws);
  const claims = parseJsonObject(await verifySignature(jws, keys), "payload");
  const accessToken: AccessToken = Object.freeze({ format: "jwt", ...judge(deepFreeze(claims)) });
  await checkRequirements(accessToken, requirements, { request, configuration });
  return accessToken;
}

/** Runs a check on what anybody may have written, and says so in the detail of what it throws. */
function beforeSignature<Result>(check: () => Result): Result {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof AccessTokenError) || isCertificateErrorCode(error.code)) throw error;
    throw new AccessTokenError(error.code, { detail: `${error.detail} (the signature was not verified)` });
  }
}
