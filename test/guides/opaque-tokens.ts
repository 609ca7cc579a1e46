// #region watch
import { subscribe } from "node:diagnostics_channel";
// #endregion
import { type IntrospectionCache, type Protect, protectApi } from "@certbound/express";

// #region protect
const { ISSUER = "https://auth.example.com", CLIENT_ID = "accounts-api", CLIENT_SECRET } = process.env;

// #endregion

/** Protects an API that introspects opaque tokens. */
export function protectWithIntrospection(): Protect {
  // #region protect
  const protect = protectApi({
    issuer: ISSUER,
    audience: "https://api.example.com",
    introspection: { clientId: CLIENT_ID, clientSecret: CLIENT_SECRET },
  });
  // #endregion
  return protect;
}

/** Protects an API that also introspects JWTs. */
export function protectAlwaysIntrospecting(): Protect {
  return protectApi({
    issuer: ISSUER,
    audience: "https://api.example.com",
    // #region always
    introspection: { clientId: CLIENT_ID, clientSecret: CLIENT_SECRET, always: true },
    // #endregion
  });
}

/** Protects an API that introspects JWTs instead of verifying them. */
export function protectIntrospectingJwts(): Protect {
  return protectApi({
    issuer: ISSUER,
    audience: "https://api.example.com",
    // #region jwts-as-opaque
    introspection: { clientId: CLIENT_ID, clientSecret: CLIENT_SECRET, jwtsAsOpaque: true },
    // #endregion
  });
}

/** Protects an API whose processes share introspection responses. */
export function protectFleet(cache: IntrospectionCache): Protect {
  // #region fleet
  const protect = protectApi({
    issuer: ISSUER,
    audience: "https://api.example.com",
    introspection: {
      clientId: CLIENT_ID,
      clientSecret: CLIENT_SECRET,
      cache, // such as createIntrospectionCache({ url: "rediss://cache.example.com:6379" }, console.warn)
      cacheKey: process.env.CACHE_KEY, // the same for all processes: openssl rand -base64 32
    },
  });
  // #endregion
  return protect;
}

/** Logs introspection events. Returns the subscriber. */
export function watch(log: { info(event: unknown): void }): (event: unknown) => void {
  // #region watch

  const report = (event: unknown) => log.info(event);
  subscribe("certbound:introspection", report);
  // #endregion
  return report;
}
