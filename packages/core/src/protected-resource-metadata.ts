import { type AuthenticatorOptions, createAuthenticator } from "./authenticator.ts";
import type { IncomingRequest, NodeRequest } from "./http/incoming-request.ts";
import { withoutPrototype } from "./values/object-member.ts";
import type { ProtectedResourceMetadata } from "./protected-resource.ts";

/** What {@link protectedResourceMetadata} takes: the options of an API, and the scopes that its routes ask for. */
export type ProtectedResourceOptions<Request> = AuthenticatorOptions<Request> & {
  /** Scopes that routes ask for; default: none are named. */
  readonly scopes?: readonly string[] | undefined;
};

/**
 * Generates the metadata of an API as an OAuth 2.0 protected resource (RFC 9728 section 2) from its options, for a
 * server that serves it by itself; the adapters do so at the well-known path.
 *
 * It names no algorithms: the registered member is of signed responses, not of tokens. Nothing is fetched.
 *
 * @throws TypeError when an option is unknown, ill-typed or missing; `resource` must be given
 */
export function protectedResourceMetadata<Request extends IncomingRequest = NodeRequest>(
  options: ProtectedResourceOptions<Request>,
): ProtectedResourceMetadata {
  const { scopes, ...rest } = withoutPrototype(options);
  const authenticator = createAuthenticator<Request>(rest);
  if (scopes !== undefined) authenticator({ scopes });
  const { protectedResource } = authenticator;
  if (protectedResource === undefined) throw new TypeError('certbound: option "resource" is missing');
  return protectedResource.metadata();
}
