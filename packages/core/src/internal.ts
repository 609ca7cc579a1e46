// Shared with the other packages of this project. This is not part of the public API: it may change in any release.

export { keyMembers } from "./binding.ts";
export { DEFAULT_MAX_HEADERS } from "./http/header-list.ts";
export { MAX_BODY } from "./issuer/issuer-request.ts";
export { MAX_KEYS } from "./issuer/keys/key-set.ts";
export { profiles } from "./options/profiles.ts";
export { signatureAlgorithms } from "./options/signature-algorithms.ts";
export { defaultTokenTypes, normaliseTokenType } from "./options/token-types.ts";
export { environmentOptions, isTlsUnverified } from "./options/verifier-options.ts";
export { grantedScopes } from "./requirements.ts";
export { foreignClaims, isNumericDate, MAX_NUMERIC_DATE } from "./token/claims.ts";
export { MAX_TOKEN_LENGTH } from "./token/compact-jws.ts";
export { isJsonObject, type JsonObject, ownMember } from "./values/json-object.ts";
export { MIN_RSA_MODULUS } from "./values/rsa-modulus.ts";
export { hasCredentials, isHttpsUrl } from "./values/secure-url.ts";
export { THUMBPRINT_OF_EMPTY_INPUT } from "./values/thumbprint.ts";
export { UNVERIFIED_SUFFIX } from "./verifier.ts";
