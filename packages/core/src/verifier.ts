import type { AccessToken, AccessTokenClaims, BindingOutcome } from "./access-token.ts";
import { judgeBinding, presentedCertificate, type PresentedCertificate, requireCertificate } from "./binding.ts";
import { acceptCachedToken } from "./cached-token.ts";
import { applyCertificatePolicy } from "./certificate-policy/certificate-policy.ts";
import { checkAlgorithm, checkClaims, checkIntrospection, recheckClaims, timesOf } from "./token/claims.ts";
import { currentTime } from "./runtime/clock.ts";
import { type CompactJws, parseCompactJws, parseJsonObject } from "./token/compact-jws.ts";
import type { VerifierConfiguration, VerifierOptions } from "./options/configuration.ts";
import { type Observation, observeDecision } from "./events/decision.ts";
import { AccessTokenError, isCertificateErrorCode } from "./errors.ts";
import {
  createIssuers,
  introspectsEveryJwt,
  type Issuer,
  type Issuers,
  type OpaqueTokenIssuer,
} from "./issuer/issuers.ts";
import { deepFreeze, type JsonObject, ownMember } from "./values/json-object.ts";
import { knownOptions } from "./values/known-options.ts";
import { checkOpaqueToken, isIntrospectedOnly } from "./token/opaque-token.ts";
import { parseVerifierOptions } from "./options/verifier-options.ts";
import {
  type CheckedRequirements,
  checkedRequirements,
  checkRequirements,
  type VerifyOptions,
  verifyRules,
} from "./requirements.ts";
import { verifySignature } from "./issuer/signature.ts";
import { createTlsWarning } from "./options/unverified-tls.ts";
import { createVerifiedTokens, type VerifiedToken, type VerifiedTokens } from "./token/verified-tokens.ts";

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
   * Fetches the keys of every issuer that publishes them, and finds every introspection endpoint, to find out before the
   * first request. Nobody is asked about a token. The detail of the error begins with the issuer that failed.
   *
   * @throws AccessTokenError `ERR_KEYS_UNAVAILABLE`, `ERR_INTROSPECTION_UNAVAILABLE`
   */
  ready(): Promise<void>;
}

/** One use of the verifier, checked: what an authenticator hands in. */
export interface VerificationRequest<Request> {
  readonly certificate: PresentedCertificate;
  readonly requirements: CheckedRequirements<Request>;
  readonly request: Request;
  /** Records what is learnt of the token; undefined without a listener. */
  readonly observation: Observation | undefined;
}

/** What a verifier verifies with; adapters use it beyond the public methods. */
export interface VerifierParts {
  readonly configuration: VerifierConfiguration;
  readonly issuers: Issuers;
  readonly verifiedTokens: VerifiedTokens;
}

const partsOfVerifiers = new WeakMap<object, VerifierParts>();
// Once per process: the environment is that of the process.
const warnOfUnverifiedTls = createTlsWarning();

/**
 * Creates a verifier of access tokens: JWTs (RFC 9068) of the configured issuers, and opaque tokens of the one that is
 * asked about them (RFC 7662), bound to a client certificate (RFC 8705).
 *
 * It does not ask the issuer whether a JWT was revoked, unless `introspection` says `always` or `jwtsAsOpaque`.
 *
 * @throws TypeError when an option is unknown, ill-typed or missing
 */
export function createVerifier(options: VerifierOptions = {}): Verifier {
  const configuration = parseVerifierOptions(options);
  const issuers = createIssuers(configuration);
  warnOfUnverifiedTls(configuration);
  const parts = { configuration, issuers, verifiedTokens: createVerifiedTokens(configuration.verifiedTokens) };
  const verifier: Verifier = Object.freeze({
    async verify(token: string, use: VerifyOptions) {
      if (typeof token !== "string") throw new TypeError("certbound: the access token must be a string");
      const given = knownOptions("the verify options", use, verifyRules, "rejected");
      const { clientCertificate } = given;
      if (clientCertificate === undefined) throw new TypeError('certbound: option "clientCertificate" is missing');
      const certificate = presentedCertificate(clientCertificate);
      const requirements = checkedRequirements(given, configuration);
      const cached = acceptCachedToken(parts.verifiedTokens.find(token), certificate, requirements, configuration);
      if (cached !== undefined) return cached;
      const observation = observeDecision();
      try {
        const request = { certificate, requirements, request: undefined, observation };
        const accessToken = await verifyToken(token, request, parts);
        observation?.accepted(accessToken);
        return accessToken;
      } catch (error) {
        observation?.threw(error);
        throw error;
      }
    },
    ready: () => issuers.ready(),
  });
  partsOfVerifiers.set(verifier, parts);
  return verifier;
}

/** Returns the parts of a verifier that was made here; undefined for any other object. */
export function partsOf(verifier: object): VerifierParts | undefined {
  return partsOfVerifiers.get(verifier);
}

/**
 * Verifies the token and its binding, applies the certificate policy, then checks the route's requirements.
 *
 * @throws AccessTokenError
 */
export async function verifyToken<Request>(
  token: string,
  use: VerificationRequest<Request>,
  parts: VerifierParts,
): Promise<AccessToken> {
  const { configuration, issuers } = parts;
  const { requirements, request } = use;
  const { certificatePolicy, clock } = configuration;
  const { opaqueTokenIssuer } = issuers;
  const verified =
    opaqueTokenIssuer !== undefined && isIntrospectedOnly(token, opaqueTokenIssuer.issuer, issuers)
      ? await verifyOpaqueToken(token, use, { configuration, ...opaqueTokenIssuer })
      : await verifyJwt(token, use, parts);
  const isReported = requirements.validateCertificateBinding === "report-only";
  const accessToken =
    certificatePolicy === undefined
      ? verified
      : await applyCertificatePolicy(verified, certificatePolicy, { now: currentTime(clock), isReported });
  await checkRequirements(accessToken, requirements, { request, configuration });
  return accessToken;
}

async function verifyJwt<Request>(
  token: string,
  use: VerificationRequest<Request>,
  parts: VerifierParts,
): Promise<AccessToken> {
  const { configuration, issuers, verifiedTokens } = parts;
  const bindingRequired = use.requirements.validateCertificateBinding === true;
  const cached = verifiedTokens.find(token);
  if (cached !== undefined) {
    const { issuer, claims } = cached;
    use.observation?.found({ issuer: issuer.configuration.issuer, claims, cached: true });
    recheckClaims(cached, { configuration, bindingRequired });
    return acceptJwt(cached, use, configuration);
  }
  const jws = unverified(() => parseCompactJws(token));
  const iss = ownMember(jws.unverifiedClaims, "iss");
  // No token of an algorithm that is never accepted reaches the application's function.
  if (issuers.lookUp !== undefined) unverified(() => checkAlgorithm(jws.algorithm, configuration.algorithms));
  const named = issuers.lookUp === undefined ? issuers.named(iss) : await issuers.lookUp(iss);
  const issuer = unverified(() => checkUnverified(jws, named, use, configuration));
  const verified = await verifiedTokens.verify(token, issuer, () => verifyJws(jws, issuer));
  use.observation?.found({ claims: verified.claims });
  checkClaims(verified.header, verified.claims, { configuration, issuer: issuer.configuration, bindingRequired });
  const accessToken = await acceptJwt(verified, use, configuration);
  verifiedTokens.keep(verified);
  return accessToken;
}

/**
 * Runs a check of a JWT before its signature is verified, and says so in the detail of a rejection: anyone may have written
 * the token. An error of the certificate stays as it is, since it may be one that the application made, and holds on to.
 */
function unverified<Result>(check: () => Result): Result {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof AccessTokenError) || isCertificateErrorCode(error.code)) throw error;
    throw Object.assign(error, { detail: `${error.detail} (the signature was not verified)` });
  }
}

/**
 * Checks a JWT before its signature is verified, and returns its issuer. This only ever rejects, so that a garbage token, or a
 * stolen one that is bound, costs neither a signature nor a fetch.
 */
function checkUnverified<Request>(
  jws: CompactJws,
  named: Issuer | undefined,
  use: VerificationRequest<Request>,
  configuration: VerifierConfiguration,
): Issuer {
  use.observation?.found({ issuer: named?.configuration.issuer, cached: false });
  const bindingRequired = use.requirements.validateCertificateBinding === true;
  checkClaims(jws, jws.unverifiedClaims, { configuration, issuer: named?.configuration, bindingRequired });
  // An unknown one has just been rejected.
  const issuer = named as Issuer;
  judgeCertificate(jws.unverifiedClaims, issuer, use);
  return issuer;
}

async function verifyJws(jws: CompactJws, issuer: Issuer): Promise<VerifiedToken> {
  const { token, algorithm, type } = jws;
  const { payload, key } = await verifySignature(jws, await issuer.keys.find(jws));
  const claims = deepFreeze(parseJsonObject(payload, "payload"));
  return { token, header: { algorithm, type }, issuer, key, claims, times: timesOf(claims) };
}

/** Accepts a JWT whose claims were checked, if it is bound to the client, and active where its issuer is always asked. */
async function acceptJwt<Request>(
  { token, issuer, claims }: VerifiedToken,
  use: VerificationRequest<Request>,
  configuration: VerifierConfiguration,
): Promise<AccessToken> {
  const binding = judgeCertificate(claims, issuer, use);
  if (!introspectsEveryJwt(issuer)) return Object.freeze({ format: "jwt", claims, ...binding });
  const response = await issuer.introspector.introspect(token);
  const told = checkIntrospection(response, { configuration, issuer: issuer.configuration, claims });
  const both = judgeBinding([claims, told], use.certificate, use.requirements.validateCertificateBinding);
  return Object.freeze({ format: "jwt", claims: withConfirmation(claims, told), ...both });
}

/** Judges certificate and binding by what the token itself says. */
function judgeCertificate<Request>(
  claims: JsonObject,
  issuer: Issuer,
  { certificate, requirements }: VerificationRequest<Request>,
): BindingOutcome {
  const { validateCertificateBinding: mode } = requirements;
  requireCertificate(certificate, mode);
  // An issuer that is asked may know of a binding that the JWT does not hold.
  return judgeBinding([claims], certificate, mode === true && introspectsEveryJwt(issuer) ? "when-bound" : mode);
}

/** Checks shape and certificate, introspects the token, then checks claims and binding of the response. */
async function verifyOpaqueToken<Request>(
  token: string,
  { certificate, requirements, observation }: VerificationRequest<Request>,
  { configuration, issuer, introspector }: OpaqueTokenIssuer & Pick<VerifierParts, "configuration">,
): Promise<AccessToken> {
  const { validateCertificateBinding: mode } = requirements;
  observation?.found({ issuer: issuer.issuer });
  checkOpaqueToken(token);
  // Before the issuer is asked: this client cannot use the token anyway.
  requireCertificate(certificate, mode);
  const claims = checkIntrospection(await introspector.introspect(token), { configuration, issuer, claims: undefined });
  observation?.found({ claims });
  return Object.freeze({ format: "opaque", claims, ...judgeBinding([claims], certificate, mode) });
}

/** Adds the confirmation that only the issuer told of to the claims of a JWT. */
function withConfirmation(claims: AccessTokenClaims, told: AccessTokenClaims): AccessTokenClaims {
  const cnf = Object.hasOwn(told, "cnf") ? told.cnf : undefined;
  return cnf === undefined || Object.hasOwn(claims, "cnf") ? claims : Object.freeze({ ...claims, cnf });
}
