import { deepFreeze, isJsonObject, type JsonObject } from "../values/json-object.ts";
import type { OptionRule } from "../values/known-options.ts";
import { metadataLocation } from "./rejection.ts";
import { isSecureUrl } from "../values/secure-url.ts";

/** What a protected resource says of itself (RFC 9728 section 2); empty lists are left out. */
export interface ProtectedResourceMetadata {
  /** The resource identifier. */
  readonly resource: string;
  /** The configured issuers that are https URLs, or http on a loopback address. */
  readonly authorization_servers?: readonly string[];
  /** Left out where a `tokenResolver` decides how tokens are sent, or the scheme `Bearer` is not accepted. */
  readonly bearer_methods_supported?: readonly ["header"];
  /** The scopes that routes ask for, unless `resourceMetadata` names others. */
  readonly scopes_supported?: readonly string[];
  readonly tls_client_certificate_bound_access_tokens: true;
  readonly [member: string]: unknown;
}

/** The metadata of an API, and where it is to be served. */
export interface ProtectedResource {
  /** The path, with the query if the identifier has one (RFC 9728 section 3.1). */
  readonly path: string;
  /**
   * Tells whether a request asks for the metadata.
   *
   * @param method of the request
   * @param target as the request line has it: path and query
   */
  matches(method: string | undefined, target: string | undefined): boolean;
  /** What is to be answered, with the scopes that were asked for until now. */
  metadata(): ProtectedResourceMetadata;
}

/** What the metadata is made of. */
export interface ProtectedResourceParts {
  readonly resource: string;
  /** The identifiers of the configured issuers. */
  readonly issuers: readonly string[];
  /** Whether tokens come in the Authorization header, with the scheme `Bearer`. */
  readonly isBearerHeader: boolean;
  /** Members that the application adds. */
  readonly further: JsonObject;
  /** The scopes that routes ask for; may grow. */
  readonly scopes: ReadonlySet<string>;
}

/** Generated from the options, and never given. */
const generated = [
  "resource",
  "authorization_servers",
  "bearer_methods_supported",
  "tls_client_certificate_bound_access_tokens",
];

/** The rule of the members that an application adds. */
export const additionalMetadata: OptionRule = {
  expected: `an object of further metadata, as JSON has it, without ${generated.join(", ")}`,
  accepts: (value) =>
    isJsonObject(value) && generated.every((name) => !Object.hasOwn(value, name)) && jsonOf(value) !== undefined,
};

/** Describes an API as an OAuth 2.0 protected resource, by its options. */
export function describeProtectedResource(parts: ProtectedResourceParts): ProtectedResource {
  const { resource, isBearerHeader, scopes } = parts;
  // A copy: what the application does to its object later does not change what is said.
  const further = jsonOf(parts.further);
  const { path } = metadataLocation(resource);
  const issuers = parts.issuers.filter(isSecureUrl);
  return {
    path,
    matches(method, target) {
      if (method !== "GET" && method !== "HEAD") return false;
      return target === path || (!path.includes("?") && target?.startsWith(`${path}?`) === true);
    },
    metadata() {
      const members = {
        resource,
        authorization_servers: issuers,
        bearer_methods_supported: isBearerHeader ? ["header"] : [],
        scopes_supported: [...scopes],
        tls_client_certificate_bound_access_tokens: true,
        ...further,
      };
      // Empty lists are left out (RFC 9728 section 3.2).
      const given = Object.entries(members).filter(([, value]) => !(Array.isArray(value) && value.length === 0));
      return deepFreeze(Object.fromEntries(given)) as unknown as ProtectedResourceMetadata;
    },
  };
}

function jsonOf(value: JsonObject): JsonObject | undefined {
  try {
    return JSON.parse(JSON.stringify(value)) as JsonObject;
  } catch {
    return undefined;
  }
}
