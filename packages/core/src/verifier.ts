import type { AccessToken, AccessTokenClaims, BindingOutcome } from "./access-token.ts";
import { evaluateBinding, presentedCertificate, type PresentedCertificate, requireCertificate } from "./binding.ts";
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

/** Verifies certificate-bound access tokens. Create one with {@link createVerifier} and share it between all requests. */
export interface Verifier {
  /**
   * Verifies a token and its binding to the client's certificate, and checks the requirements.
   *
   * @throws AccessTokenError with any code except `ERR_TOKEN_MISSING` and `ERR_REQUEST_MALFORMED`
   * @throws TypeError if an option is unknown, missing or has the wrong type
   * @throws Error if the clock or a callback of the application fails
   */
  verify(token: string, options: VerifyOptions): Promise<AccessToken>;
  /**
   * Fetches the keys and discovers the introspection endpoints of all configured issuers, and calls `bearerToken` if it is
   * configured. Use it at start-up to fail fast. Does not introspect any token. Does not cover the issuers that an `issuer`
   * function returns.
   *
   * @throws AccessTokenError `ERR_KEYS_UNAVAILABLE`, `ERR_INTROSPECTION_UNAVAILABLE`; the detail starts with the issuer
   * @throws Error if the clock or `bearerToken` fails
   */
  ready(): Promise<void>;
}

/** The parsed input of a verification, except the token. */
export interface VerificationInput<Request> {
  readonly certificate: PresentedCertificate;
  readonly requirements: CheckedRequirements<Request>;
  readonly request: Request;
  /** Collects the data of the decision event. Undefined if the event has no subscribers. */
  readonly observation: Observation | undefined;
}

/** The internals of a verifier, which authenticators use in addition to its public methods. */
export interface VerifierParts {
  readonly configuration: VerifierConfiguration;
  readonly issuers: Issuers;
  readonly verifiedTokens: VerifiedTokens;
}

const partsOfVerifiers = new WeakMap<object, VerifierParts>();
// All verifiers share one warning, because `NODE_TLS_REJECT_UNAUTHORIZED` applies to the whole process.
const warnAboutUnverifiedTls = createTlsWarning();

/**
 * Creates a verifier for access tokens that are bound to a client certificate (RFC 8705): JWTs (RFC 9068), and opaque tokens,
 * which are introspected (RFC 7662).
 *
 * Checks whether a JWT was revoked only if `introspection` is configured with `always` or `jwtsAsOpaque`.
 *
 * @example
 * <!-- source: test/api-examples/core.examples.ts#createVerifier -->
 * ```ts
 * import { createVerifier, tlsCertificate } from "@certbound/core";
 *
 * const verifier = createVerifier({ issuer: "https://auth.example.com", audience: "https://api.example.com" });
 *
 * const { claims, clientCertificate } = await verifier.verify(token, {
 *   clientCertificate: tlsCertificate(request), // null without a certificate: the token is then rejected
 *   scopes: ["read"],
 * });
 * ```
 *
 * @throws TypeError if an option is unknown, missing or has the wrong type
 */
export function createVerifier(options: VerifierOptions = {}): Verifier {
  const configuration = parseVerifierOptions(options);
  const issuers = createIssuers(configuration);
  warnAboutUnverifiedTls(configuration);
  const parts = { configuration, issuers, verifiedTokens: createVerifiedTokens(configuration.verifiedTokens) };
  const verifier: Verifier = Object.freeze({
    async verify(token: string, verifyOptions: VerifyOptions) {
      if (typeof token !== "string") throw new TypeError("certbound: the access token must be a string");
      const given = knownOptions("the verify options", verifyOptions, verifyRules, "rejected");
      const { clientCertificate } = given;
      if (clientCertificate === undefined) throw new TypeError('certbound: option "clientCertificate" is missing');
      const certificate = presentedCertificate(clientCertificate);
      const requirements = checkedRequirements(given, configuration);
      const cached = acceptCachedToken(parts.verifiedTokens.find(token), certificate, requirements, configuration);
      if (cached !== undefined) return cached;
      const observation = observeDecision();
      try {
        const input = { certificate, requirements, request: undefined, observation };
        const accessToken = await verifyToken(token, input, parts);
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

/** Returns the parts of a verifier that {@link createVerifier} created; undefined for any other object. */
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
  input: VerificationInput<Request>,
  parts: VerifierParts,
): Promise<AccessToken> {
  const { configuration, issuers } = parts;
  const { requirements, request } = input;
  const { certificatePolicy, clock } = configuration;
  const { opaqueTokenIssuer } = issuers;
  const verified =
    opaqueTokenIssuer !== undefined && isIntrospectedOnly(token, opaqueTokenIssuer.issuer, issuers)
      ? await verifyOpaqueToken(token, input, { configuration, ...opaqueTokenIssuer })
      : await verifyJwt(token, input, parts);
  const reportOnly = requirements.validateCertificateBinding === "report-only";
  const accessToken =
    certificatePolicy === undefined
      ? verified
      : await applyCertificatePolicy(verified, certificatePolicy, { now: currentTime(clock), reportOnly });
  await checkRequirements(accessToken, requirements, { request, configuration });
  return accessToken;
}

async function verifyJwt<Request>(
  token: string,
  input: VerificationInput<Request>,
  parts: VerifierParts,
): Promise<AccessToken> {
  const { configuration, issuers, verifiedTokens } = parts;
  const bindingRequired = input.requirements.validateCertificateBinding === true;
  const cached = verifiedTokens.find(token);
  if (cached !== undefined) {
    const { issuer, claims } = cached;
    input.observation?.found({ issuer: issuer.configuration.issuer, claims, cached: true });
    recheckClaims(cached, { configuration, bindingRequired });
    return acceptJwt(cached, input, configuration);
  }
  const jws = unverified(() => parseCompactJws(token));
  const iss = ownMember(jws.unverifiedClaims, "iss");
  // Checked first, so that the application's function is not called for a token with an unacceptable algorithm.
  if (issuers.lookUp !== undefined) unverified(() => checkAlgorithm(jws.algorithm, configuration.algorithms));
  const named = issuers.lookUp === undefined ? issuers.named(iss) : await issuers.lookUp(iss);
  const issuer = unverified(() => checkUnverified(jws, named, input, configuration));
  const verified = await verifiedTokens.verify(token, issuer, () => verifyJws(jws, issuer));
  input.observation?.found({ claims: verified.claims });
  checkClaims(verified.header, verified.claims, { configuration, issuer: issuer.configuration, bindingRequired });
  const accessToken = await acceptJwt(verified, input, configuration);
  verifiedTokens.keep(verified);
  return accessToken;
}

/** The text at the end of an error's detail if the check failed before the signature was verified. */
export const UNVERIFIED_SUFFIX = "; the signature was not verified";

/**
 * Runs a check before the signature is verified. If the check fails, adds to the detail of the error that the signature was
 * not verified: anyone could have written the claims. Certificate errors are not modified, because the application may have
 * created them.
 */
function unverified<Result>(check: () => Result): Result {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof AccessTokenError) || isCertificateErrorCode(error.code)) throw error;
    throw Object.assign(error, { detail: `${error.detail}${UNVERIFIED_SUFFIX}` });
  }
}

/**
 * Checks the claims and the binding of a JWT before its signature is verified, and returns its issuer. A token that fails
 * these checks causes neither a signature verification nor a fetch of keys. A token that passes them is not yet accepted.
 */
function checkUnverified<Request>(
  jws: CompactJws,
  named: Issuer | undefined,
  input: VerificationInput<Request>,
  configuration: VerifierConfiguration,
): Issuer {
  input.observation?.found({ issuer: named?.configuration.issuer, cached: false });
  const bindingRequired = input.requirements.validateCertificateBinding === true;
  checkClaims(jws, jws.unverifiedClaims, { configuration, issuer: named?.configuration, bindingRequired });
  // `named` is defined here: checkClaims throws for an unknown issuer.
  const issuer = named as Issuer;
  evaluateCertificate(jws.unverifiedClaims, issuer, input);
  return issuer;
}

async function verifyJws(jws: CompactJws, issuer: Issuer): Promise<VerifiedToken> {
  const { token, algorithm, type } = jws;
  const { payload, key } = await verifySignature(jws, await issuer.keys.find(jws));
  const claims = deepFreeze(parseJsonObject(payload, "payload"));
  return { token, header: { algorithm, type }, issuer, key, claims, times: timesOf(claims) };
}

/** Evaluates the binding of a JWT with valid claims and, with `always`, introspects the JWT. */
async function acceptJwt<Request>(
  { token, issuer, claims }: VerifiedToken,
  input: VerificationInput<Request>,
  configuration: VerifierConfiguration,
): Promise<AccessToken> {
  const binding = evaluateCertificate(claims, issuer, input);
  if (!introspectsEveryJwt(issuer)) return Object.freeze({ format: "jwt", claims, ...binding });
  const response = await issuer.introspector.introspect(token);
  const introspected = checkIntrospection(response, { configuration, issuer: issuer.configuration, claims });
  const both = evaluateBinding(
    [claims, introspected],
    input.certificate,
    input.requirements.validateCertificateBinding,
  );
  return Object.freeze({ format: "jwt", claims: withConfirmation(claims, introspected), ...both });
}

/** Throws if the mode requires a certificate and there is none; otherwise evaluates the binding in the claims of a JWT. */
function evaluateCertificate<Request>(
  claims: JsonObject,
  issuer: Issuer,
  { certificate, requirements }: VerificationInput<Request>,
): BindingOutcome {
  const { validateCertificateBinding: mode } = requirements;
  requireCertificate(certificate, mode);
  // With `always`, a JWT without cnf is not rejected yet: the introspection response may contain cnf.
  return evaluateBinding([claims], certificate, mode === true && introspectsEveryJwt(issuer) ? "when-bound" : mode);
}

/** Checks the form of a token and the certificate, introspects the token, then checks the claims and the binding. */
async function verifyOpaqueToken<Request>(
  token: string,
  { certificate, requirements, observation }: VerificationInput<Request>,
  { configuration, issuer, introspector }: OpaqueTokenIssuer & Pick<VerifierParts, "configuration">,
): Promise<AccessToken> {
  const { validateCertificateBinding: mode } = requirements;
  observation?.found({ issuer: issuer.issuer });
  checkOpaqueToken(token);
  // Checked before the introspection: if the binding is required, a client without a certificate cannot use the token.
  requireCertificate(certificate, mode);
  const claims = checkIntrospection(await introspector.introspect(token), { configuration, issuer, claims: undefined });
  observation?.found({ claims });
  return Object.freeze({ format: "opaque", claims, ...evaluateBinding([claims], certificate, mode) });
}

/** Adds the `cnf` of the introspection response to the claims of a JWT without `cnf`. */
function withConfirmation(claims: AccessTokenClaims, introspected: AccessTokenClaims): AccessTokenClaims {
  const cnf = Object.hasOwn(introspected, "cnf") ? introspected.cnf : undefined;
  return cnf === undefined || Object.hasOwn(claims, "cnf") ? claims : Object.freeze({ ...claims, cnf });
}
