import type { ProtectApiOptions } from "@certbound/express";

// #region keycloak
export const keycloak: ProtectApiOptions = {
  issuer: "https://keycloak.example.com/realms/accounts",
  // What the mapper adds as "Included Custom Audience".
  audience: "https://api.example.com",
};
// #endregion

// #region keycloak-typed
export const keycloakTyped: ProtectApiOptions = { ...keycloak, tokenTypes: ["at+jwt"] };
// #endregion

// #region auth0
export const auth0: ProtectApiOptions = {
  // The custom domain. The slash at the end belongs to it.
  issuer: "https://auth.example.com/",
  // The identifier of the API.
  audience: "https://api.example.com",
  // With the access token profile RFC 9068; without it, leave this out.
  profile: "rfc9068",
};
// #endregion

// #region auth0-dpop-scheme
export const auth0WithDpopScheme: ProtectApiOptions = {
  ...auth0,
  // A token that is bound to a DPoP key is refused all the same: none is proven here.
  tokenResolver: ({ headers }) => /^(?:Bearer|DPoP) +(\S+)$/i.exec(headers.authorization ?? "")?.[1],
};
// #endregion

// #region duende
export const duende: ProtectApiOptions = {
  issuer: "https://identity.example.com",
  // The name of the ApiResource.
  audience: "accounts-api",
  tokenTypes: ["at+jwt"],
};
// #endregion

// #region spring
export const spring: ProtectApiOptions = {
  issuer: "https://spring.example.com",
  // What the customizer sets; without one it would be the client's own identifier.
  audience: "https://api.example.com",
};
// #endregion

// #region oidc-provider
export const oidcProvider: ProtectApiOptions = {
  issuer: "https://op.example.com",
  // The resource indicator that getResourceServerInfo knows.
  audience: "https://api.example.com",
  profile: "rfc9068",
};
// #endregion
