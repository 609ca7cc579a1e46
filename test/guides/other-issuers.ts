import type { ProtectApiOptions } from "@certbound/express";

const { PING_AM_CLIENT = "payments", API_SECRET = "" } = process.env;

// #region ping-am
export const pingAm: ProtectApiOptions = {
  // With the port, as in the metadata.
  issuer: "https://am.example.com:443/am/oauth2/realms/root/realms/alpha",
  // The client's identifier, unless a script of the OAuth2 provider adds another audience.
  audience: PING_AM_CLIENT,
};
// #endregion

// #region wso2
export const wso2: ProtectApiOptions = {
  issuer: "https://is.example.com:9443/oauth2/token",
  // The consumer key of the client, unless the application has other audiences.
  audience: "payments",
  introspection: {
    endpoint: "https://is.example.com:9443/oauth2/introspect",
    clientId: "api",
    clientSecret: API_SECRET,
    // WSO2 does not support the hint access_token.
    tokenTypeHint: false,
  },
};
// #endregion

// #region authlete
export const authlete: ProtectApiOptions = {
  issuer: "https://as.example.com",
  audience: "https://api.example.com",
  introspection: {
    // Your endpoint on top of /auth/introspection/standard.
    endpoint: "https://as.example.com/introspect",
    clientId: "api",
    clientSecret: API_SECRET,
  },
};
// #endregion

/** Returns an access token of this API with the scope of the introspection endpoint. */
export const janssenToken = { current: async (): Promise<string> => "" };

// #region janssen
export const janssen: ProtectApiOptions = {
  issuer: "https://jans.example.com",
  audience: "payments",
  introspection: {
    clientId: "api",
    clientAuthentication: "bearer",
    // An access token of this API for the introspection endpoint. Cache it until it expires.
    bearerToken: () => janssenToken.current(),
  },
};
// #endregion

// #region okta-org
export const oktaOrg: ProtectApiOptions = {
  issuer: "https://example.okta.com",
  // The audience of these tokens is Okta itself.
  audience: "https://example.okta.com",
  introspection: { clientId: "api", clientSecret: API_SECRET, jwtsAsOpaque: true },
};
// #endregion

// #region split-horizon
const [publicUrl, internalUrl] = ["https://login.example.com", "http://keycloak:8080"];

export const splitHorizon: ProtectApiOptions = {
  // The issuer in the tokens and in the metadata.
  issuer: `${publicUrl}/realms/accounts`,
  audience: "https://api.example.com",
  // The API reaches the same server at another address.
  fetch: (input, init) => {
    const { href } = new URL(input instanceof Request ? input.url : input);
    return fetch(href.startsWith(`${publicUrl}/`) ? internalUrl + href.slice(publicUrl.length) : href, init);
  },
};
// #endregion
