// Configured as the documentation of better-auth describes the protection of an API. It has no option for certificates.

import { isAPIError } from "better-auth/api";
import { verifyAccessTokenRequest } from "better-auth/oauth2";

/** @type {import("../candidate.js").CreateHandlers} */
export function createHandlers({ issuer, audience, jwksUri, introspection, introspectionEndpoint }) {
  const verifyOptions = { issuer, audience, typ: "at+jwt" };
  const handler = (options) => async (request, response, next) => {
    const { authorization: authorizationHeader, dpop: dpopProofJwt, host } = request.headers;
    const url = `https://${host}${request.originalUrl}`;
    try {
      const input = { authorizationHeader, dpopProofJwt, method: request.method, url };
      request.claims = await verifyAccessTokenRequest(input, { verifyOptions, ...options });
    } catch (error) {
      if (!isAPIError(error)) return next(error);
      return response.status(error.statusCode).json(error.body);
    }
    return next();
  };
  const remoteVerify = { introspectUrl: introspectionEndpoint, ...introspection };
  return { required: handler({ jwksUrl: jwksUri }), opaque: handler({ remoteVerify }) };
}
