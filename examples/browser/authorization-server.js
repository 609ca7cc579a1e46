import { randomBytes } from "node:crypto";
import { Provider } from "oidc-provider";

/**
 * Creates an authorization server that logs users in by their browser's certificate. It binds the page's tokens to the
 * certificate of the connection to the token endpoint (RFC 8705 sections 3 and 4).
 */
export function createAuthorizationServer({ issuer, signingKey, audience, scope }) {
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: "page",
        token_endpoint_auth_method: "none", // a page cannot keep a secret
        tls_client_certificate_bound_access_tokens: true,
        redirect_uris: [`${issuer}/`],
        response_types: ["code"],
        grant_types: ["authorization_code"],
      },
    ],
    clientDefaults: { id_token_signed_response_alg: "ES256" },
    jwks: { keys: [signingKey] },
    ttl: { AccessToken: 600, Grant: 600, Interaction: 600, Session: 600 },
    clientBasedCORS: (_context, origin) => origin === issuer, // the page has the same origin
    cookies: { keys: [randomBytes(32).toString("base64url")] }, // not the key that signs tokens
    interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
    findAccount: (_context, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
    // Does not ask for consent: the page, the API and this server belong to one organisation.
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
    /** Handles the login by certificate, in place of a login page. */
    logIn: (request, response) => {
      const certificate = request.socket.authorized ? request.socket.getPeerX509Certificate() : undefined;
      if (certificate === undefined) return response.status(401).end("This browser has no certificate");
      return provider.interactionFinished(request, response, { login: { accountId: certificate.subject } });
    },
  };
}
