import { signingInput, signInput } from "./compact-token.ts";
import type { SigningKey } from "./signing-keys.ts";

/** Names the media type of a signed introspection response; the JWT's `typ` is the same without `application/`. */
export const introspectionTokenType = "application/token-introspection+jwt";

/** Describes who signs an introspection response, for which client, when and with which key. */
export interface IntrospectionTokenContext {
  readonly issuer: string;
  readonly clientId: string;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly key: SigningKey;
}

/** Signs an introspection response as RFC 9701 section 5 says. */
export function signIntrospection(response: object, context: IntrospectionTokenContext): string {
  const { issuer, clientId, now, key } = context;
  const header = { alg: key.algorithm, kid: key.kid, typ: "token-introspection+jwt" };
  const payload = { iss: issuer, aud: clientId, iat: Math.floor(now / 1000), token_introspection: response };
  return signInput(signingInput(header, payload), key.algorithm, key.privateKey);
}
