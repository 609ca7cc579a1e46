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
  // A token that is bound to a DPoP key is rejected all the same: none is proven here.
  tokenResolver: ({ rawHeaders }) => {
    // Node.js keeps 1,000 fields (server.maxHeadersCount); another Authorization header may be among those it dropped.
    if (rawHeaders.length >= 2000) return undefined;
    // All occurrences: `headers.authorization` is only the first one.
    const isValue = (index: number) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === "authorization";
    const [credentials = "", ...others] = rawHeaders.filter((_text, index) => isValue(index));
    return others.length === 0 ? /^(?:Bearer|DPoP) +([^\s,]+)$/i.exec(credentials)?.[1] : undefined;
  },
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

// #region multi-tenant
/** Your tenants: here two, elsewhere a table of a database. */
const tenants = new Map([
  ["https://login.example.com/realms/one", { audience: "https://api.example.com" }],
  ["https://login.example.com/realms/two", { audience: "https://api.example.com" }],
]);

export const multiTenant: ProtectApiOptions = {
  issuer: async (iss) => {
    const tenant = tenants.get(iss);
    return tenant && { issuer: iss, ...tenant };
  },
};
// #endregion
