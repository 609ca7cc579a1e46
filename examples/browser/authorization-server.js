import { randomBytes } from "node:crypto";
import { Provider } from "oidc-provider";

/**
 * Makes an authorization server that logs people in by the certificate of their browser, and binds the tokens that the
 * page gets to the certificate of the connection on which it asks for them (RFC 8705 sections 3 and 4).
 */
export function createAuthorizationServer({ issuer, signingKey, audience, scope }) {
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: "page",
        token_endpoint_auth_method: "none", // a page can keep no secret
        tls_client_certificate_bound_access_tokens: true,
        redirect_uris: [`${issuer}/`],
        response_types: ["code"],
        grant_types: ["authorization_code"],
      },
    ],
    clientDefaults: { id_token_signed_response_alg: "ES256" },
    jwks: { keys: [signingKey] },
    ttl: { AccessToken: 600, Grant: 600, Interaction: 600, Session: 600 },
    clientBasedCORS: (_context, origin) => origin === issuer, // where the page is
    cookies: { keys: [randomBytes(32).toString("base64url")] }, // not the key that signs tokens
    interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
    findAccount: (_context, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
    // Nobody is asked for consent: the page, the API and this server are of one house.
    loadExistingGrant: async ({ oidc }) => {
      const grant = new provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
      grant.addResourceScope(audience, scope);
      await grant.save();
      return grant;
    },
    features: {
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: () => ({ audience, scope, accessTokenFormat: "jwt", jwt: { sign: { alg: "ES256" } } }),
      },
      mTLS: {
        enabled: true,
        certificateBoundAccessTokens: true,
        getCertificate: ({ socket }) => socket.getPeerX509Certificate(),
      },
    },
  });
  return {
    handle: provider.callback(),
    /** Answers for the page on which one would type a password. */
    logIn: (request, response) => {
      const certificate = request.socket.authorized ? request.socket.getPeerX509Certificate() : undefined;
      if (certificate === undefined) return response.status(401).end("This browser has no certificate");
      return provider.interactionFinished(request, response, { login: { accountId: certificate.subject } });
    },
  };
}
