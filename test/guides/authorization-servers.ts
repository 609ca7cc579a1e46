import type { ProtectApiOptions } from "@certbound/express";

// #region keycloak
export const keycloak: ProtectApiOptions = {
  issuer: "https://keycloak.example.com/realms/accounts",
  // The "Included Custom Audience" of the mapper.
  audience: "https://api.example.com",
};
// #endregion

// #region keycloak-typed
export const keycloakTyped: ProtectApiOptions = { ...keycloak, tokenTypes: ["at+jwt"] };
// #endregion

// #region auth0
export const auth0: ProtectApiOptions = {
  // The custom domain, with the trailing slash.
  issuer: "https://auth.example.com/",
  // The identifier of the API.
  audience: "https://api.example.com",
  // For the access token profile RFC 9068. Omit this for the other profile.
  profile: "rfc9068",
};
// #endregion

// #region auth0-dpop-scheme
export const auth0WithDpopScheme: ProtectApiOptions = {
  ...auth0,
  // A token that is bound to a DPoP key is still rejected, because the key is not proven here.
  tokenResolver: ({ rawHeaders }) => {
    // Node.js keeps 1,000 fields (server.maxHeadersCount). It may have dropped another Authorization header.
    if (rawHeaders.length >= 2000) return undefined;
    // Reads all occurrences: `headers.authorization` is only the first one.
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
  // The audience that the customizer sets. Without a customizer, it is the client's identifier.
  audience: "https://api.example.com",
};
// #endregion

// #region oidc-provider
export const oidcProvider: ProtectApiOptions = {
  issuer: "https://op.example.com",
  // The resource indicator that getResourceServerInfo accepts.
  audience: "https://api.example.com",
  profile: "rfc9068",
};
// #endregion

// #region multi-tenant
/** Your tenants, in practice from a database. */
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
