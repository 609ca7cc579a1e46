/** Holds an introspection response, or the claims of a token, as JSON gives them back. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Caches the tokens of an issuer, and answers what it knows of a token. */
export interface IssuedTokens {
  readonly add: (token: string, claims: object) => void;
  /** @throws TypeError for a token that is not cached */
  readonly revoke: (token: string) => void;
  /** Sets the answer for a token, cached or not, whatever else is known of it. */
  readonly introspectAs: (token: string, response: JsonObject) => void;
  /** Makes the introspection response of RFC 7662 section 2.2, as of a time in milliseconds since 1970. */
  readonly introspect: (token: string, now: number) => JsonObject;
}

/** Creates the memory of an issuer, which is empty. */
export function createIssuedTokens(): IssuedTokens {
  const issued = new Map<string, JsonObject>();
  const revoked = new Set<string>();
  const answers = new Map<string, JsonObject>();
  return {
    add: (token, claims) => {
      issued.set(token, toJson(claims));
    },
    revoke: (token) => {
      if (!issued.has(token)) throw new TypeError("The issuer has not issued this token");
      revoked.add(token);
    },
    introspectAs: (token, response) => {
      answers.set(token, toJson(response));
    },
    introspect: (token, now) => {
      const answer = answers.get(token);
      if (answer !== undefined) return answer;
      const claims = issued.get(token);
      if (claims === undefined || revoked.has(token) || isExpired(claims, now)) return { active: false };
      return { active: true, token_type: "Bearer", ...claims };
    },
  };
}

/** Copies, so that nothing changes later, and fails for what cannot be written as JSON while its author looks. */
function toJson(object: object): JsonObject {
  return JSON.parse(JSON.stringify(object)) as JsonObject;
}

/** A token without a time of expiry, or with none that is a number, does not expire. */
function isExpired({ exp }: JsonObject, now: number): boolean {
  return typeof exp === "number" && now >= exp * 1000;
}
