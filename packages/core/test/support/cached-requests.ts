import type { Identity } from "@certbound/testing";
import type { AccessToken } from "../../src/access-token.ts";
import { acceptCachedRequest } from "../../src/cached-token.ts";
import { parseClientCertificate } from "../../src/certificate/client-certificate.ts";
import { createCredentialSources, type ResolverOptions } from "../../src/credentials.ts";
import type { NodeRequest, NodeSocket } from "../../src/http/incoming-request.ts";
import { parseRequirements, type Requirements } from "../../src/requirements.ts";
import { partsOf, type Verifier, type VerifierParts } from "../../src/verifier.ts";

/** Creates a TLS 1.3 connection whose client presented this certificate. */
export function connectionOf({ certificate }: Identity, members: Partial<NodeSocket> = {}): NodeSocket {
  const x509 = parseClientCertificate(certificate)?.x509;
  return { getPeerX509Certificate: () => x509, getProtocol: () => "TLSv1.3", getCipher: () => ({}), ...members };
}

/** Creates a request with these Authorization headers and additional headers over a connection. */
export function requestOver(authorization: readonly string[], from: NodeSocket, rest: readonly string[] = []) {
  return { rawHeaders: [...authorization.flatMap((value) => ["Authorization", value]), ...rest], socket: from };
}

/** Returns the parts of a verifier. */
export function partsOfVerifier(verifier: Verifier): VerifierParts {
  const parts = partsOf(verifier);
  if (parts === undefined) throw new Error("not a verifier");
  return parts;
}

/** The configuration that a request is checked with. */
export interface Use {
  readonly parts: VerifierParts;
  readonly requirements?: Requirements<NodeRequest>;
  readonly resolvers?: Partial<ResolverOptions<NodeRequest>>;
}

/** Passes a request to the fast path of an API with these resolvers. */
export function fastPath(
  request: NodeRequest,
  { parts, requirements = {}, resolvers = {} }: Use,
): AccessToken | undefined {
  const sources = createCredentialSources<NodeRequest>({ schemes: ["Bearer"], ...resolvers });
  return acceptCachedRequest(request, parseRequirements(requirements, parts.configuration), { sources, parts });
}
