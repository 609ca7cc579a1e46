import type { AccessToken, AccessTokenClaims, BindingOutcome } from "./access-token.ts";
import {
  type BindingMode,
  judgeBinding,
  type PresentedCertificate,
  presentedCertificate,
  requireCertificate,
} from "./binding.ts";
import { checkClaims, checkIntrospection } from "./claims.ts";
import { parseCompactJws, parseJsonObject } from "./compact-jws.ts";
import type { VerifierConfiguration, VerifierOptions } from "./configuration.ts";
import { AccessTokenError, isCertificateErrorCode } from "./errors.ts";
import { createIssuers, type Issuer, type Issuers, type OpaqueTokenIssuer } from "./issuers.ts";
import { deepFreeze, type JsonObject, ownMember } from "./json-object.ts";
import { knownOptions } from "./known-options.ts";
import { checkOpaqueToken, isOpaqueToken } from "./opaque-token.ts";
import { parseVerifierOptions } from "./options.ts";
import { type CheckedRequirements, checkedRequirements, checkRequirements } from "./requirements.ts";
import { verifySignature } from "./signature.ts";
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
}

type Judgement = { readonly claims: AccessTokenClaims } & BindingOutcome;

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
  const verify: VerifyChecked = (token, use) => verifyToken(token, use, { configuration, issuers });
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
  const { configuration, issuers } = setup;
  const { requirements, request } = use;
  const accessToken =
    issuers.ofOpaqueTokens !== undefined && isOpaqueToken(token)
      ? await verifyOpaque(token, use, { configuration, ...issuers.ofOpaqueTokens })
      : await verifyJwt(token, use, setup);
  await checkRequirements(accessToken, requirements, { request, configuration });
  return accessToken;
}

/** Shape, claims, certificate and binding; then keys and signature; then the same on what was signed. */
async function verifyJwt<Request>(
  token: string,
  { certificate, requirements }: VerificationRequest<Request>,
  { configuration, issuers }: Setup,
): Promise<AccessToken> {
  const { validateCertificateBinding: mode } = requirements;
  const jws = beforeSignature(() => parseCompactJws(token));
  const issuer = issuers.named(ownMember(jws.unverifiedClaims, "iss"));
  const always = issuer?.configuration.introspection?.always === true;
  // The issuer may know of a binding that the JWT does not hold.
  const ownMode: BindingMode = always && mode === true ? "when-bound" : mode;
  const rules = { configuration, issuer: issuer?.configuration, bindingRequired: mode === true };
  const judge = (unjudged: JsonObject): Judgement => {
    const claims = checkClaims(jws, unjudged, rules);
    requireCertificate(certificate, mode);
    return { claims, ...judgeBinding([claims], certificate, ownMode) };
  };
  // These only ever refuse, so that a stolen or garbage token costs neither a signature nor a fetch.
  beforeSignature(() => judge(jws.unverifiedClaims));
  // The claims of an unknown issuer have just been refused.
  const { keys, introspector, configuration: known } = issuer as Issuer;
  const signed = await verifySignature(jws, await keys.find(jws));
  const { claims, ...outcome } = judge(deepFreeze(parseJsonObject(signed, "payload")));
  if (introspector === undefined || !always) return Object.freeze({ format: "jwt", claims, ...outcome });
  const told = checkIntrospection(await introspector.introspect(token), { configuration, issuer: known, claims });
  const binding = judgeBinding([claims, told], certificate, mode);
  return Object.freeze({ format: "jwt", claims: withConfirmation(claims, told), ...binding });
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

/** Runs a check on what anybody may have written, and says so in the detail of what it throws. */
function beforeSignature<Result>(check: () => Result): Result {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof AccessTokenError) || isCertificateErrorCode(error.code)) throw error;
    throw new AccessTokenError(error.code, { detail: `${error.detail} (the signature was not verified)` });
  }
}
