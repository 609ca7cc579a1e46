import type { AccessToken, AccessTokenClaims, BindingOutcome } from "./access-token.ts";
import { judgeBinding, type PresentedCertificate, presentedCertificate, requireCertificate } from "./binding.ts";
import { checkClaims, checkIntrospection, recheckClaims, type TokenHeader } from "./claims.ts";
import { type CompactJws, parseCompactJws, parseJsonObject } from "./compact-jws.ts";
import type { VerifierConfiguration, VerifierOptions } from "./configuration.ts";
import { AccessTokenError, isCertificateErrorCode } from "./errors.ts";
import type { Introspector } from "./introspection/introspector.ts";
import { createIssuers, type Issuer, type Issuers, type OpaqueTokenIssuer } from "./issuers.ts";
import { deepFreeze, type JsonObject, ownMember } from "./json-object.ts";
import { knownOptions } from "./known-options.ts";
import { checkOpaqueToken, isOpaqueToken } from "./opaque-token.ts";
import { parseVerifierOptions } from "./options.ts";
import { type CheckedRequirements, checkedRequirements, checkRequirements } from "./requirements.ts";
import { verifySignature } from "./signature.ts";
import { createVerifiedTokens, type VerifiedToken, type VerifiedTokens } from "./verified-tokens.ts";
import { type VerifyOptions, verifyRules } from "./verify-options.ts";

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
   * first request. Nobody is asked about a token.
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
}

/** The verifier's inner entry, whose input was checked. */
export type VerifyChecked = <Request>(token: string, use: VerificationRequest<Request>) => Promise<AccessToken>;

/** What adapters use of a verifier beyond its public methods. */
export interface InnerEntry {
  readonly verify: VerifyChecked;
  /** Requirements are checked against it. */
  readonly configuration: VerifierConfiguration;
}

interface Setup {
  readonly configuration: VerifierConfiguration;
  readonly issuers: Issuers;
  readonly verifiedTokens: VerifiedTokens;
}

interface JudgedBy<Request> {
  /** The configured issuer that the token names. */
  readonly issuer: Issuer | undefined;
  readonly use: VerificationRequest<Request>;
  readonly configuration: VerifierConfiguration;
  /** All of the claims; or of those that were accepted before, what may have changed. */
  readonly check: typeof checkClaims | typeof recheckClaims;
}

const innerEntries = new WeakMap<object, InnerEntry>();

/**
 * Creates a verifier of access tokens: JWTs (RFC 9068) of the configured issuers, and opaque tokens of the one that is
 * asked about them (RFC 7662), bound to a client certificate (RFC 8705).
 *
 * It does not ask the issuer whether a JWT was revoked, unless `introspection` says `always`.
 *
 * @throws TypeError when an option is unknown, ill-typed or missing
 */
export function createVerifier(options: VerifierOptions = {}): Verifier {
  const configuration = parseVerifierOptions(options);
  const issuers = createIssuers(configuration);
  const verifiedTokens = createVerifiedTokens(configuration.verifiedTokens);
  const setup: Setup = { configuration, issuers, verifiedTokens };
  const verify: VerifyChecked = (token, use) => verifyToken(token, use, setup);
  const verifier: Verifier = Object.freeze({
    async verify(token: string, use: VerifyOptions) {
      if (typeof token !== "string") throw new TypeError("certbound: the access token must be a string");
      const { clientCertificate, ...given } = knownOptions("the verify options", use, verifyRules, "refused");
      if (clientCertificate === undefined) throw new TypeError('certbound: option "clientCertificate" is missing');
      const certificate = presentedCertificate(clientCertificate);
      const requirements = checkedRequirements(given, configuration);
      return verify(token, { certificate, requirements, request: undefined });
    },
    async ready() {
      await issuers.ready();
    },
  });
  innerEntries.set(verifier, { verify, configuration });
  return verifier;
}

/** Gives the inner entry of a verifier that was made here; undefined for any other object. */
export function innerEntry(verifier: object): InnerEntry | undefined {
  return innerEntries.get(verifier);
}

/** What the token is, and whether this client may use it; then what the route asks of it. */
async function verifyToken<Request>(
  token: string,
  use: VerificationRequest<Request>,
  setup: Setup,
): Promise<AccessToken> {
  // What need not wait does not: a remembered token costs as much again where every step awaits.
  const judged = judgeToken(token, use, setup);
  const accessToken = judged instanceof Promise || judged instanceof AccessTokenError ? await judged : judged;
  if (accessToken instanceof AccessTokenError) throw accessToken;
  const checking = checkRequirements(accessToken, use.requirements, { request: use.request, ...setup });
  if (checking !== undefined) await checking;
  return accessToken;
}

/** An opaque token is asked about; a JWT is remembered, or new: then it is judged as it is, before its signature is. */
function judgeToken<Request>(
  token: string,
  use: VerificationRequest<Request>,
  setup: Setup,
): AccessToken | AccessTokenError | Promise<AccessToken> {
  const { configuration, issuers, verifiedTokens } = setup;
  const isOpaque = isOpaqueToken(token);
  if (isOpaque && issuers.ofOpaqueTokens !== undefined) {
    return verifyOpaque(token, use, { configuration, ...issuers.ofOpaqueTokens });
  }
  // What does not look like a JWT is not looked for: to name garbage would double what it costs.
  const remembered = isOpaque ? undefined : verifiedTokens.find(verifiedTokens.nameOf(token));
  try {
    if (remembered !== undefined) return acceptJwt(token, remembered, { use, setup, check: recheckClaims });
    // This only ever refuses, so that a stolen or garbage token costs neither a signature nor a fetch.
    const jws = parseCompactJws(token);
    const issuer = issuers.named(ownMember(jws.unverifiedClaims, "iss"));
    judge(jws, jws.unverifiedClaims, { issuer, use, configuration, check: checkClaims });
    // An unknown issuer has just been refused.
    return verifyNew(jws, issuer as Issuer, use, setup);
  } catch (error) {
    // Returned: to throw it once more costs as much as all that was checked.
    if (!(error instanceof AccessTokenError)) throw error;
    return remembered === undefined ? withoutSignature(error) : error;
  }
}

/** Keys and signature; then what was signed is judged. */
async function verifyNew<Request>(
  jws: CompactJws,
  issuer: Issuer,
  use: VerificationRequest<Request>,
  setup: Setup,
): Promise<AccessToken> {
  const { token, algorithm, type } = jws;
  const { verifiedTokens } = setup;
  const name = verifiedTokens.nameOf(token);
  const verified = await verifiedTokens.verify(name, async () => {
    const { payload, key } = await verifySignature(jws, await issuer.keys.find(jws));
    const claims = deepFreeze(parseJsonObject(payload, "payload"));
    return { header: { algorithm, type }, issuer, key, claims };
  });
  const accessToken = await acceptJwt(token, verified, { use, setup, check: checkClaims });
  verifiedTokens.remember(name, token.length, verified);
  return accessToken;
}

/** Judges what was signed, now and for this client; an issuer that is always asked has its say as well. */
function acceptJwt<Request>(
  token: string,
  { header, issuer, claims: signed }: VerifiedToken,
  { use, setup, check }: Pick<JudgedBy<Request>, "use" | "check"> & { readonly setup: Setup },
): AccessToken | Promise<AccessToken> {
  const { configuration } = setup;
  const { claims, outcome } = judge(header, signed, { issuer, use, configuration, check });
  if (!isAlwaysAsked(issuer)) return Object.freeze({ format: "jwt", claims, ...outcome });
  return issuer.introspector.introspect(token).then((response) => {
    const told = checkIntrospection(response, { configuration, issuer: issuer.configuration, claims });
    const binding = judgeBinding([claims, told], use.certificate, use.requirements.validateCertificateBinding);
    return Object.freeze({ format: "jwt", claims: withConfirmation(claims, told), ...binding });
  });
}

/** Claims, certificate and binding: what is decided anew for every request. */
function judge<Request>(
  header: TokenHeader,
  unjudged: JsonObject,
  { issuer, use, configuration, check }: JudgedBy<Request>,
): { readonly claims: AccessTokenClaims; readonly outcome: BindingOutcome } {
  const { certificate, requirements } = use;
  const { validateCertificateBinding: mode } = requirements;
  const rules = { configuration, issuer: issuer?.configuration, bindingRequired: mode === true };
  const claims = check(header, unjudged, rules);
  requireCertificate(certificate, mode);
  // An issuer that is asked may know of a binding that the JWT does not hold.
  const ownMode = mode === true && isAlwaysAsked(issuer) ? "when-bound" : mode;
  return { claims, outcome: judgeBinding([claims], certificate, ownMode) };
}

function isAlwaysAsked(issuer: Issuer | undefined): issuer is Issuer & { readonly introspector: Introspector } {
  return issuer?.introspector !== undefined && issuer.configuration.introspection?.always === true;
}

/** Shape and certificate; then what the issuer says of it; then claims and binding of that. */
async function verifyOpaque<Request>(
  token: string,
  { certificate, requirements }: VerificationRequest<Request>,
  { configuration, issuer, introspector }: OpaqueTokenIssuer & Pick<Setup, "configuration">,
): Promise<AccessToken> {
  const { validateCertificateBinding: mode } = requirements;
  checkOpaqueToken(token);
  // A client that cannot use the token has nobody asked.
  requireCertificate(certificate, mode);
  const claims = checkIntrospection(await introspector.introspect(token), { configuration, issuer });
  return Object.freeze({ format: "opaque", claims, ...judgeBinding([claims], certificate, mode) });
}

/** The claims of a JWT, with the confirmation that only the issuer told of. */
function withConfirmation(claims: AccessTokenClaims, told: AccessTokenClaims): AccessTokenClaims {
  const cnf = Object.hasOwn(told, "cnf") ? told.cnf : undefined;
  return cnf === undefined || Object.hasOwn(claims, "cnf") ? claims : Object.freeze({ ...claims, cnf });
}

/** Says in the detail that it is about what anybody may have written; of a certificate, it is not. */
function withoutSignature(error: AccessTokenError): AccessTokenError {
  // An error of a certificate may be one that the application made, and holds on to.
  if (isCertificateErrorCode(error.code)) return error;
  return Object.assign(error, { detail: `${error.detail} (the signature was not verified)` });
}
