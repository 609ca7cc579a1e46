// #region watch
import { subscribe } from "node:diagnostics_channel";
// #endregion
import { type IntrospectionCache, type Protect, protectApi } from "@certbound/express";

// #region protect
const { ISSUER = "https://auth.example.com", CLIENT_ID = "accounts-api", CLIENT_SECRET } = process.env;

// #endregion

/** Protects an API that asks about opaque tokens. */
export function protectAsking(): Protect {
  // #region protect
  const protect = protectApi({
    issuer: ISSUER,
    audience: "https://api.example.com",
    introspection: { clientId: CLIENT_ID, clientSecret: CLIENT_SECRET },
  });
  // #endregion
  return protect;
}

/** Protects an API that asks about JWTs too. */
export function protectAlwaysAsking(): Protect {
  return protectApi({
    issuer: ISSUER,
    audience: "https://api.example.com",
    // #region always
    introspection: { clientId: CLIENT_ID, clientSecret: CLIENT_SECRET, always: true },
    // #endregion
  });
}

/** Protects an API that introspects JWTs in place of verifying them. */
export function protectIntrospectingJwts(): Protect {
  return protectApi({
    issuer: ISSUER,
    audience: "https://api.example.com",
    // #region jwts-as-opaque
    introspection: { clientId: CLIENT_ID, clientSecret: CLIENT_SECRET, jwtsAsOpaque: true },
    // #endregion
  });
}

/** Protects an API that shares what its issuer answers. */
export function protectFleet(cache: IntrospectionCache): Protect {
  // #region fleet
  const protect = protectApi({
    issuer: ISSUER,
    audience: "https://api.example.com",
    introspection: {
      clientId: CLIENT_ID,
      clientSecret: CLIENT_SECRET,
      cache, // such as createIntrospectionCache({ url: "rediss://cache.example.com:6379" }, console.warn)
      cacheKey: process.env.CACHE_KEY, // the same for all of them: openssl rand -base64 32
    },
  });
  // #endregion
  return protect;
}

/** Writes down what the issuer is asked; gives the subscriber. */
export function watch(log: { info(event: unknown): void }): (event: unknown) => void {
  // #region watch

  const report = (event: unknown) => log.info(event);
  subscribe("certbound:introspection", report);
  // #endregion
  return report;
}
