import type { AccessTokenErrorCode } from "@certbound/core";

/** Why the API rejects a request with a code, and what to do about it: the texts of docs/errors.md. */
export interface CodeExplanation {
  readonly cause: string;
  readonly fix: string;
}

/** The explanation of each error code. */
export const codeExplanations: Readonly<Record<AccessTokenErrorCode, CodeExplanation>> = {
  ERR_TOKEN_MISSING: {
    cause: "the Authorization header is missing, or its scheme is not accepted, or the tokenResolver found no token",
    fix: "the client must send Authorization: Bearer <token>, and a proxy must not remove the header. If the API should accept other schemes, set schemes",
  },
  ERR_REQUEST_MALFORMED: {
    cause:
      "there are two Authorization headers, a scheme without a token, or more than one token in a header. Or the header list may be incomplete: the request reached the limit of header fields (server.maxHeadersCount, 1,000 by default), so Node.js may have dropped further fields",
    fix: "the client, or a proxy on the way, must send exactly one token: look for a proxy that adds the header but should replace it. If the header list may be incomplete, find out which client sends that many fields, perhaps to hide a header. If the fields are legitimate, raise server.maxHeadersCount",
  },
  ERR_TOKEN_MALFORMED: {
    cause:
      "the token is not a compact JWS: it does not have three parts, its parts are not canonical base64url or do not contain JSON, it is longer than 16 KiB, it is encrypted, or its header has crit",
    fix: "the client must send the complete and unchanged value of access_token from the token response. If the token is opaque or encrypted, configure introspection in the API: certbound accepts such tokens only from an issuer that introspects them",
  },
  ERR_TOKEN_ALGORITHM: {
    cause: "alg is not one of algorithms. certbound never verifies tokens with a symmetric algorithm or none",
    fix: "compare alg in the token's header with algorithms, and with the algorithms that the profile allows. Then add alg to algorithms in the API, or make the issuer sign with an accepted algorithm. If the issuer signs tokens with a shared secret, introspect them instead: set jwtsAsOpaque",
  },
  ERR_TOKEN_TYPE: {
    cause:
      'typ is not accepted. Or typ is not at+jwt, and the token looks like an ID token or an event: it has at_hash, c_hash or events. Under "when-bound" and "report-only", only at+jwt is accepted by default. If tokenTypes allows another type, a token of that type must not have a nonce. For an introspected token: token_type of the response does not name an access token',
    fix: "the client must send the access token, not the ID token or the refresh token. If it already sends the access token, make the issuer send at+jwt (RFC 9068), or set tokenTypes in the API to the type that the issuer sends",
  },
  ERR_TOKEN_ISSUER: {
    cause:
      "iss does not match a configured issuer: the token is from another issuer, tenant or environment, or the option issuer of the API is wrong. The comparison is exact: a trailing slash counts. Or iss of the introspection response is not the issuer that introspected the token",
    fix: "compare iss with the option issuer of the API, which must equal issuer in the issuer's metadata document. If the token is from another issuer, the client must get its token from the configured one, or the API must configure both",
  },
  ERR_TOKEN_AUDIENCE: {
    cause:
      "aud is missing or malformed, or contains none of the configured audiences: the token was not requested for this API, or the option audience of the API is wrong. The comparison is exact: a trailing slash counts",
    fix: "compare aud of the token with the option audience of the API. If aud names this API in another spelling, correct the option. Otherwise, the client must request a token for this API (resource, audience, or its scopes)",
  },
  ERR_TOKEN_EXPIRED: {
    cause: "exp has passed, or the token is older than maxTokenAge",
    fix: "the client must get a new token. If the token is new, compare the clocks of the issuer and the API. If tokens reach the maxTokenAge of the API, the client must renew them earlier, or the API must raise the option",
  },
  ERR_TOKEN_NOT_YET_VALID: {
    cause: "nbf or iat is in the future. iat is checked only with maxTokenAge or the profile fapi2",
    fix: "compare the clocks of the issuer and the API; the API's clockTolerance is 5 s by default, and 10 s with the profile fapi2",
  },
  ERR_TOKEN_CLAIM: {
    cause:
      "a required claim is missing: exp, iat if maxTokenAge is set, or a claim that the profile requires. Or a claim has the wrong type: a time is not a number of seconds (perhaps it is in milliseconds), or sub, client_id, jti or scope is malformed, or aud if audience is null. Or the introspection response contradicts the token",
    fix: "the detail names the claim: correct the issuer's configuration. If the issuer cannot send a claim that maxTokenAge or the profile requires, do not set that option in the API",
  },
  ERR_TOKEN_KEY_UNKNOWN: {
    cause:
      "the issuer publishes no key with this kid that fits alg. The token may be from another environment. Or the issuer has withdrawn the key, or published it less than 10 seconds ago. Or the option jwks of the API names another key set. A key that Node.js cannot use, such as a point that is not on its curve, counts as absent. A token with a kid can match a key without kid only if the option jwks is a key set, not a URL",
    fix: "compare kid in the token's header with the key set at the issuer's jwks_uri. If the key is there, correct the option jwks of the API, or omit it. If it is not there, the client must get a new token from this environment of the issuer. If the issuer changes keys, it must publish the new keys before it uses them",
  },
  ERR_TOKEN_SIGNATURE: {
    cause:
      "the signature is not valid: the token was changed or forged, or the issuer replaced a key without changing its kid, and the API still has the old key (for up to 10 minutes). Or the option jwks of the API names a key set with another key under this kid",
    fix: "the client must get a new token, and send it unchanged. If the new token is rejected too, check whether another environment of the issuer has a key with the same kid, and compare the option jwks of the API with the issuer's jwks_uri",
  },
  ERR_TOKEN_INACTIVE: {
    cause:
      "the issuer reports that the token is not active: it may have expired or been revoked, it may be from another issuer, or the issuer does not let this API introspect it",
    fix: "the client must get a new token. If all tokens are inactive, check whether the API introspects at the issuer that the client uses, and whether that issuer lets this API introspect tokens with its audience",
  },
  ERR_CERTIFICATE_MISSING: {
    cause:
      "the client presented no certificate on this connection, the server did not request one (requestCert), or the connection is closed. Or the request has no connection (a WHATWG Request). Or a TLS renegotiation is in progress, and the client has not yet proven that it holds the private key of its certificate. With fromProxy: the header is missing, or reports that the client presented no certificate",
    fix: "set requestCert: true on the server, and configure the client to send its certificate on every connection. Behind a proxy that terminates TLS, Node.js never sees the client's certificate: use fromProxy. If a renegotiation is in progress, disable renegotiation on the server. If the connection was closed, call protect() first",
  },
  ERR_CERTIFICATE_MALFORMED: {
    cause:
      "the resolver returned something that is not a certificate; the detail names the format that it resembles. With fromProxy: the format of the header is not the configured one, or the request has the header twice, or the header list may be incomplete",
    fix: "the resolver must return PEM with line feeds, base64 DER, bytes, an X509Certificate, or { thumbprint }. With fromProxy: choose the proxy's format, and configure the proxy to replace the header. If the header list may be incomplete, find out which client sends that many fields",
  },
  ERR_CERTIFICATE_UNTRUSTED: {
    cause:
      "the request does not meet the rule in trust: it did not come through the proxy, or the rule does not describe the proxy. Or the proxy reports that it did not verify the certificate. Or your certificatePolicy rejects it. With trust: { certificateThumbprints }: a TLS renegotiation is in progress on the connection of the proxy",
    fix: "read the detail: an attacker may be trying to bypass the proxy, or a client has a certificate that you do not accept. If the request came through your proxy, and you want to accept the certificate, correct trust, the proxy or certificatePolicy. If a renegotiation is in progress, disable renegotiation on the server",
  },
  ERR_BINDING_REQUIRED: {
    cause: "neither the token nor the introspection response has cnf, and this route of the API requires the binding",
    fix: "enable certificate-bound access tokens for this client at the issuer, and make the client present its certificate to the token endpoint. For an opaque token, the issuer must also send cnf to this API when it introspects the token. If the route must accept unbound tokens too, weaken the binding with validateCertificateBinding",
  },
  ERR_BINDING_MALFORMED: {
    cause:
      "cnf or its x5t#S256 does not follow RFC 8705 section 3.1: cnf is empty or not an object, or the thumbprint is hexadecimal, is padded, has the wrong length, or is the hash of an empty input",
    fix: "correct the issuer. If the issuer is behind a proxy, check whether it receives the client's certificate at all",
  },
  ERR_BINDING_UNSUPPORTED: {
    cause:
      "cnf has other members but no x5t#S256, or has jkt, jwk, jwe or jku in addition. RFC 7800 section 3.1 allows a single key",
    fix: "configure the issuer to bind tokens by certificate only. If cnf has jkt, the client must request its token without a DPoP proof: DPoP-bound tokens are not accepted",
  },
  ERR_BINDING_MISMATCH: {
    cause:
      "the token was issued for another certificate. Possible causes: the client's certificate was renewed after the token was issued; the client uses two certificates; the issuer or the API receives the certificate of a proxy; the token was stolen",
    fix: "compare the two thumbprints, and find out which client each of them belongs to. The client must get a new token with its current certificate. If one of the thumbprints belongs to a proxy, configure fromProxy in the API, or make the proxy of the issuer forward the client's certificate. If the token's thumbprint belongs to another client, treat the token as stolen",
  },
  ERR_SCOPE_INSUFFICIENT: {
    cause:
      "the token lacks one of the scopes that the route requires; certbound reads scope and scp. The comparison is exact",
    fix: "the client must request a token with the scopes that the challenge names. If it did, check whether the issuer grants them to this client, and whether scopes in the API has the issuer's spelling",
  },
  ERR_ACCESS_DENIED: {
    cause: "the token has none of the groups that the route accepts, or authorize returned false",
    fix: "read the detail, which shows whether groups or authorize rejected the request. Compare the claim groups with groups in the API (the comparison is exact), or check the decision of authorize. A new token helps only if its claims differ, for example because the user's groups have changed",
  },
  ERR_AUTHENTICATION_INSUFFICIENT: {
    cause: "acr or auth_time does not meet acrValues or maxAge (RFC 9470)",
    fix: "the client must have the user log in again, with the acr_values and max_age of the challenge. If it did, check whether the issuer puts acr and auth_time into access tokens, and whether acrValues in the API lists values that the issuer sends",
  },
  ERR_KEYS_UNAVAILABLE: {
    cause:
      "the issuer's keys could not be fetched, and the API has no usable cached keys, or none of the cached keys fits the token. The detail describes how the last fetch failed, and ends with the code of the network error if there is one, such as (ENOTFOUND). A key set with more than 1,000 keys that can verify signatures is rejected as a whole; the detail states their number. With a function as issuer: 64 calls of the function are already in progress",
    fix: "check whether the options issuer and jwks of the API have the right URL, and whether the API reaches the issuer (check the network; for an outgoing proxy or a private CA, see the option fetch). To detect the problem early, call await verifier.ready() at start-up; the detail of its error begins with the issuer that failed. If there are too many keys, the issuer must remove the keys that it no longer uses",
  },
  ERR_INTROSPECTION_UNAVAILABLE: {
    cause:
      "the token could not be introspected, or the issuer's response is not an introspection response; the detail states the reason. Or 64 requests to the issuer, or 64 reads of a shared cache, are already in flight",
    fix: "check whether the API reaches the issuer, and whether the API's client authentication is right. If the detail names status 401, the issuer did not accept the API's own credentials; some servers need client_secret_post",
  },
};

/** Returns whether certbound has an error with this code. */
export function isErrorCode(text: string): text is AccessTokenErrorCode {
  return Object.hasOwn(codeExplanations, text);
}
