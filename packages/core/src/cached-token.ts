import type { AccessToken } from "./access-token.ts";
import { isBoundTo, type PresentedCertificate } from "./binding.ts";
import { recheckClaims } from "./token/claims.ts";
import { isHashedCertificate } from "./certificate/client-certificate.ts";
import type { VerifierConfiguration } from "./options/configuration.ts";
import { type CredentialSources, inspectConnection } from "./credentials.ts";
import { isDecisionObserved } from "./events/decision.ts";
import { checkHeaderList, headerValues } from "./http/header-list.ts";
import { type IncomingRequest, type NodeRequest, nodeRequest } from "./http/incoming-request.ts";
import { introspectsEveryJwt } from "./issuer/issuers.ts";
import { type CheckedRequirements, unmetRequirement } from "./requirements.ts";
import { unprovenReason } from "./certificate/tls-connection.ts";
import type { VerifiedToken, VerifiedTokens } from "./token/verified-tokens.ts";

// The fast path for a token in the cache. It is synchronous, because an await would roughly double its cost. It either
// accepts the token or returns undefined. If it returns undefined, the full verification decides, and creates the error for
// a rejected token.

interface CachedTokenParts {
  readonly configuration: VerifierConfiguration;
  readonly verifiedTokens: VerifiedTokens;
}

/** Accepts a request whose token is cached and whose certificate comes from a built-in resolver. */
export function acceptCachedRequest<Request extends IncomingRequest>(
  request: Request,
  requirements: CheckedRequirements<Request>,
  { sources, parts }: { readonly sources: CredentialSources<Request>; readonly parts: CachedTokenParts },
): AccessToken | undefined {
  const { builtInResolver, tokenResolver, schemes } = sources;
  if (builtInResolver === undefined || tokenResolver !== undefined || isDecisionObserved()) return undefined;
  // acceptCachedToken checks this too, because verify() calls it directly. Checking it here first avoids reading the header
  // and the certificate twice.
  if (requirements.authorize !== undefined || parts.configuration.certificatePolicy !== undefined) return undefined;
  try {
    const received = nodeRequest(request);
    const token = tokenOf(received, schemes);
    // Looked up first, because reading the certificate is wasted work if the token is not cached.
    const cached = token === undefined ? undefined : parts.verifiedTokens.find(token);
    if (cached === undefined || unprovenReason(received) !== undefined) return undefined;
    inspectConnection(received, sources);
    return acceptCachedToken(cached, builtInResolver(received), requirements, parts.configuration);
  } catch {
    return undefined;
  }
}

/** Accepts a cached token together with the certificate that it is bound to, unless a callback must be called. */
export function acceptCachedToken<Request>(
  cached: VerifiedToken | undefined,
  certificate: PresentedCertificate | null,
  requirements: CheckedRequirements<Request>,
  configuration: VerifierConfiguration,
): AccessToken | undefined {
  const { validateCertificateBinding, authorize } = requirements;
  const callback = authorize ?? configuration.certificatePolicy;
  if (callback !== undefined || isDecisionObserved() || !isHashedCertificate(certificate)) return undefined;
  if (cached === undefined || introspectsEveryJwt(cached.issuer) || !isBoundTo(cached.claims, certificate))
    return undefined;
  try {
    recheckClaims(cached, { configuration, bindingRequired: validateCertificateBinding === true });
    if (unmetRequirement(cached.claims, requirements, configuration) !== undefined) return undefined;
  } catch {
    return undefined;
  }
  return Object.freeze({ format: "jwt", claims: cached.claims, binding: "verified", clientCertificate: certificate });
}

/** Reads the token from a single Authorization header in its simplest form: scheme, one space, token. */
function tokenOf(received: NodeRequest, schemes: readonly string[]): string | undefined {
  const complete = checkHeaderList(received);
  if (typeof complete === "string") return undefined;
  const [header, ...others] = headerValues(complete, "authorization");
  if (header === undefined || others.length > 0) return undefined;
  const space = header.indexOf(" ");
  return schemes.includes(header.slice(0, space).toLowerCase()) ? header.slice(space + 1) : undefined;
}
