/** An introspection response or the claims of a token, after a round trip through JSON. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Stores the tokens that an issuer has issued, and introspects them. */
export interface IssuedTokens {
  readonly add: (token: string, claims: object) => void;
  /** @throws TypeError for a token that was not added */
  readonly revoke: (token: string) => void;
  /** Overrides the introspection response for a token, whether it was added or not. */
  readonly introspectAs: (token: string, response: JsonObject) => void;
  /** Returns the introspection response (RFC 7662 section 2.2) at a time in milliseconds since 1970. */
  readonly introspect: (token: string, now: number) => JsonObject;
}

/** Creates an empty store of issued tokens. */
export function createIssuedTokens(): IssuedTokens {
  const issued = new Map<string, JsonObject>();
  const revoked = new Set<string>();
  const overrides = new Map<string, JsonObject>();
  return {
    add: (token, claims) => {
      issued.set(token, toJson(claims));
    },
    revoke: (token) => {
      if (!issued.has(token)) throw new TypeError("The issuer has not issued this token");
      revoked.add(token);
    },
    introspectAs: (token, response) => {
      overrides.set(token, toJson(response));
    },
    introspect: (token, now) => {
      const override = overrides.get(token);
      if (override !== undefined) return override;
      const claims = issued.get(token);
      if (claims === undefined || revoked.has(token) || isExpired(claims, now)) return { active: false };
      return { active: true, token_type: "Bearer", ...claims };
    },
  };
}

/** Copies an object, so that later changes have no effect. Throws if it cannot be serialised as JSON. */
function toJson(object: object): JsonObject {
  return JSON.parse(JSON.stringify(object)) as JsonObject;
}

/** A token whose `exp` is missing or not a number does not expire. */
function isExpired({ exp }: JsonObject, now: number): boolean {
  return typeof exp === "number" && now >= exp * 1000;
}
