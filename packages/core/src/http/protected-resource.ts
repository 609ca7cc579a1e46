import { deepFreeze, isJsonObject, type JsonObject } from "../values/json-object.ts";
import type { OptionRule } from "../values/known-options.ts";
import { metadataLocation } from "./rejection.ts";
import { isSecureUrl } from "../values/secure-url.ts";

/** The metadata of a protected resource (RFC 9728 section 2). Empty lists are omitted. */
export interface ProtectedResourceMetadata {
  /** The resource identifier. */
  readonly resource: string;
  /** The configured issuers that are https URLs, or http URLs on a loopback address. */
  readonly authorization_servers?: readonly string[];
  /** Omitted if there is a `tokenResolver`, or if the scheme `Bearer` is not accepted. */
  readonly bearer_methods_supported?: readonly ["header"];
  /** The scopes that routes require, unless `resourceMetadata` overrides them. */
  readonly scopes_supported?: readonly string[];
  readonly tls_client_certificate_bound_access_tokens: true;
  readonly [member: string]: unknown;
}

/** The metadata of an API, and where to serve it. */
export interface ProtectedResource {
  /** The path, including the query if the resource identifier has one (RFC 9728 section 3.1). */
  readonly path: string;
  /**
   * Returns whether a request is for the metadata.
   *
   * @param target the path and query, exactly as in the request line
   */
  matches(method: string | undefined, target: string | undefined): boolean;
  /** Returns the response body. It lists the scopes of all routes created so far. */
  metadata(): ProtectedResourceMetadata;
}

/** The values that the metadata is generated from. */
export interface ProtectedResourceParts {
  readonly resource: string;
  /** The identifiers of the configured issuers. */
  readonly issuers: readonly string[];
  /** Whether clients send tokens in the Authorization header, with the scheme `Bearer`. */
  readonly isBearerHeader: boolean;
  /** Members that the application adds. */
  readonly additionalMembers: JsonObject;
  /** The scopes that routes require. The set can grow. */
  readonly scopes: ReadonlySet<string>;
}

/** The members that are generated from the options. The application cannot set them. */
const generated = [
  "resource",
  "authorization_servers",
  "bearer_methods_supported",
  "tls_client_certificate_bound_access_tokens",
];

/** The rule for the option `resourceMetadata`. */
export const additionalMetadata: OptionRule = {
  expected: `an object that can be serialized as JSON and does not contain the generated members ${generated.join(", ")}`,
  accepts: (value) =>
    isJsonObject(value) && generated.every((name) => !Object.hasOwn(value, name)) && jsonOf(value) !== undefined,
};

/** Creates the metadata of an API as an OAuth 2.0 protected resource. */
export function describeProtectedResource(parts: ProtectedResourceParts): ProtectedResource {
  const { resource, isBearerHeader, scopes } = parts;
  // Copied, so that later changes to the application's object have no effect.
  const additionalMembers = jsonOf(parts.additionalMembers);
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
        ...additionalMembers,
      };
      // Empty lists are omitted (RFC 9728 section 3.2).
      const entries = Object.entries(members).filter(([, value]) => !(Array.isArray(value) && value.length === 0));
      return deepFreeze(Object.fromEntries(entries)) as unknown as ProtectedResourceMetadata;
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
