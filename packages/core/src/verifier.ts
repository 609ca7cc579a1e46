import type { AccessToken, AccessTokenClaims, BindingOutcome } from "./access-token.ts";
import { judgeBinding, type PresentedCertificate, presentedCertificate, requireCertificate } from "./binding.ts";
import { checkClaims, checkIntrospection, recheckClaims, timesOf } from "./claims.ts";
import { applyCertificatePolicy } from "./certificate-policy/certificate-policy.ts";
import { currentTime } from "./clock.ts";
import { type CompactJws, parseCompactJws, parseJsonObject } from "./compact-jws.ts";
import type { VerifierConfiguration, VerifierOptions } from "./configuration.ts";
import { type Observation, observeDecision } from "./decision.ts";
import { AccessTokenError, isCertificateErrorCode } from "./errors.ts";
import type { Introspector } from "./introspection/introspector.ts";
import { createIssuers, type Issuer, type Issuers, type OpaqueTokenIssuer } from "./issuers.ts";
import { deepFreeze, type JsonObject, ownMember } from "./json-object.ts";
import { knownOptions } from "./known-options.ts";
import { checkOpaqueToken } from "./opaque-token.ts";
import { parseVerifierOptions } from "./options.ts";
import { type PresentedToken, presentedToken } from "./presented-token.ts";
import { type CheckedRequirements, checkedRequirements, checkRequirements } from "./requirements.ts";
import { verifySignature } from "./signature.ts";
import { createVerifiedTokens, type VerifiedToken, type VerifiedTokens } from "./verified-tokens.ts";
import { type VerifyOptions, verifyRules } from "./verify-options.ts";
import { isThenable } from "./thenable.ts";
import { createTlsWarning } from "./unverified-tls.ts";

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
  /** Is told what is learnt of the token; undefined when nobody listens. */
  readonly observation: Observation | undefined;
}

/** What became of a token: a refusal is given, since to throw it costs more than to find it. */
export type Verdict = AccessToken | AccessTokenError;

/** The verifier's inner entry, whose input was checked; a promise where something has to be waited for. */
export type VerifyChecked = <Request>(
  token: PresentedToken,
  use: VerificationRequest<Request>,
) => Verdict | Promise<Verdict>;

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

const innerEntries = new WeakMap<object, InnerEntry>();
/** Once per process: the environment is that of the process. */
const warnOfUnverifiedTls = createTlsWarning();

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
  warnOfUnverifiedTls(configuration);
  const verifiedTokens = createVerifiedTokens(configuration.verifiedTokens);
  const setup: Setup = { configuration, issuers, verifiedTokens };
  const verify: VerifyChecked = (token, use) => verifyToken(token, use, setup);
  const verifier: Verifier = Object.freeze({
    async verify(token: string, use: VerifyOptions) {
      if (typeof token !== "string") throw new TypeError("certbound: the access token must be a string");
      const given = knownOptions("the verify options", use, verifyRules, "refused");
      const { clientCertificate } = given;
      if (clientCertificate === undefined) throw new TypeError('certbound: option "clientCertificate" is missing');
      const certificate = presentedCertificate(clientCertificate);
      const requirements = checkedRequirements(given, configuration);
      const observation = observeDecision();
      try {
        const request = { certificate, requirements, request: undefined, observation };
        const verdict = await verify(presentedToken(token, token), request);
        if (verdict instanceof AccessTokenError) throw verdict;
        observation?.conclude(verdict);
        return verdict;
      } catch (error) {
        observation?.conclude(error instanceof AccessTokenError ? error : undefined);
        throw error;
      }
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

/** What the token is, and whether this client may use it; what its certificate is worth; what the route asks of it. */
function verifyToken<Request>(
  token: PresentedToken,
  use: VerificationRequest<Request>,
  setup: Setup,
): Verdict | Promise<Verdict> {
  const judged = after(judgeToken(token, use, setup), (verdict) => judgeByPolicy(verdict, use, setup));
  return after(judged, (verdict) => authorize(verdict, use, setup));
}

/** An opaque token is asked about; a JWT is remembered, or new: then it is judged as it is, before its signature is. */
function judgeToken<Request>(
  token: PresentedToken,
  use: VerificationRequest<Request>,
  setup: Setup,
): Verdict | Promise<Verdict> {
  const { configuration, issuers, verifiedTokens } = setup;
  if (token.isOpaque && issuers.ofOpaqueTokens !== undefined) {
    return verifyOpaque(token.text, use, { configuration, ...issuers.ofOpaqueTokens });
  }
  const bindingRequired = use.requirements.validateCertificateBinding === true;
  const remembered = verifiedTokens.find(token);
  try {
    if (remembered !== undefined) {
      const { issuer, claims } = remembered;
      use.observation?.found({ issuer: issuer.configuration.issuer, claims, remembered: true });
      recheckClaims(remembered, { configuration, bindingRequired });
      return acceptJwt(token, remembered, use, configuration);
    }
    // This only ever refuses, so that a garbage token, or a stolen one that is bound, costs neither a signature nor a fetch.
    const jws = parseCompactJws(token.text);
    const named = issuers.named(ownMember(jws.unverifiedClaims, "iss"));
    use.observation?.found({ issuer: named?.configuration.issuer, remembered: false });
    checkClaims(jws, jws.unverifiedClaims, { configuration, issuer: named?.configuration, bindingRequired });
    // An unknown one has just been refused.
    const issuer = named as Issuer;
    judgeCertificate(jws.unverifiedClaims, issuer, use);
    return verifyNew(token, jws, issuer, { use, setup });
  } catch (error) {
    if (!(error instanceof AccessTokenError)) throw error;
    return remembered === undefined ? withoutSignature(error) : error;
  }
}

/** What the certificate policy says of the certificate that the token came with. */
function judgeByPolicy<Request>(
  verdict: Verdict,
  { requirements }: VerificationRequest<Request>,
  { configuration }: Setup,
): Verdict | Promise<Verdict> {
  const { certificatePolicy, clock } = configuration;
  if (certificatePolicy === undefined || verdict instanceof AccessTokenError) return verdict;
  const isReported = requirements.validateCertificateBinding === "report-only";
  return applyCertificatePolicy(verdict, certificatePolicy, { now: currentTime(clock), isReported });
}

/** What the route asks of a token that this client may use. */
function authorize<Request>(
  verdict: Verdict,
  { requirements, request }: VerificationRequest<Request>,
  { configuration }: Setup,
): Verdict | Promise<Verdict> {
  if (verdict instanceof AccessTokenError) return verdict;
  const checking = checkRequirements(verdict, requirements, { request, configuration });
  return checking === undefined ? verdict : checking.then(() => verdict);
}

/** Goes on with a verdict. What need not wait does not: a remembered token costs as much again where every step awaits. */
function after(
  verdict: Verdict | Promise<Verdict>,
  next: (verdict: Verdict) => Verdict | Promise<Verdict>,
): Verdict | Promise<Verdict> {
  return isThenable(verdict) ? verdict.then(next) : next(verdict);
}

/** Keys and signature; then what was signed is judged. */
async function verifyNew<Request>(
  token: PresentedToken,
  jws: CompactJws,
  issuer: Issuer,
  { use, setup }: { readonly use: VerificationRequest<Request>; readonly setup: Setup },
): Promise<AccessToken> {
  const { algorithm, type } = jws;
  const { configuration, verifiedTokens } = setup;
  const verified = await verifiedTokens.verify(token, async () => {
    const { payload, key } = await verifySignature(jws, await issuer.keys.find(jws));
    const claims = deepFreeze(parseJsonObject(payload, "payload"));
    return { header: { algorithm, type }, issuer, key, claims, times: timesOf(claims) };
  });
  use.observation?.found({ claims: verified.claims });
  const bindingRequired = use.requirements.validateCertificateBinding === true;
  checkClaims(verified.header, verified.claims, { configuration, issuer: issuer.configuration, bindingRequired });
  const accessToken = await acceptJwt(token, verified, use, configuration);
  verifiedTokens.remember(token, verified);
  return accessToken;
}

/** Decides for this client about a JWT whose claims were judged; an issuer that is always asked has its say as well. */
function acceptJwt<Request>(
  token: PresentedToken,
  { issuer, claims }: VerifiedToken,
  use: VerificationRequest<Request>,
  configuration: VerifierConfiguration,
): AccessToken | Promise<AccessToken> {
  const { certificate, requirements } = use;
  const { accepted } = token;
  // These claims name this certificate: neither can change, and what was made of them is frozen. To make it
  // once more takes half as long again as all else. It is kept below, and so never where the issuer is always asked.
  if (accepted?.claims === claims && accepted.clientCertificate === certificate) return accepted;
  const binding = judgeCertificate(claims, issuer, use);
  if (!isAlwaysAsked(issuer)) {
    token.accepted = Object.freeze({ format: "jwt", claims, ...binding });
    return token.accepted;
  }
  return issuer.introspector.introspect(token.text).then((response) => {
    const told = checkIntrospection(response, { configuration, issuer: issuer.configuration, claims });
    const both = judgeBinding([claims, told], certificate, requirements.validateCertificateBinding);
    return Object.freeze({ format: "jwt", claims: withConfirmation(claims, told), ...both });
  });
}

/** Certificate and binding, by what the token itself says. */
function judgeCertificate<Request>(
  claims: JsonObject,
  issuer: Issuer,
  { certificate, requirements }: VerificationRequest<Request>,
): BindingOutcome {
  const { validateCertificateBinding: mode } = requirements;
  requireCertificate(certificate, mode);
  // An issuer that is asked may know of a binding that the JWT does not hold.
  return judgeBinding([claims], certificate, mode === true && isAlwaysAsked(issuer) ? "when-bound" : mode);
}

function isAlwaysAsked(issuer: Issuer): issuer is Issuer & { readonly introspector: Introspector } {
  return issuer.introspector !== undefined && issuer.configuration.introspection?.always === true;
}

/** Shape and certificate; then what the issuer says of it; then claims and binding of that. */
async function verifyOpaque<Request>(
  token: string,
  { certificate, requirements, observation }: VerificationRequest<Request>,
  { configuration, issuer, introspector }: OpaqueTokenIssuer & Pick<Setup, "configuration">,
): Promise<AccessToken> {
  const { validateCertificateBinding: mode } = requirements;
  observation?.found({ issuer: issuer.issuer });
  checkOpaqueToken(token);
  // A client that cannot use the token has nobody asked.
  requireCertificate(certificate, mode);
  const claims = checkIntrospection(await introspector.introspect(token), { configuration, issuer, claims: undefined });
  observation?.found({ claims });
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
