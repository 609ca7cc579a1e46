import type { Issuer } from "@certbound/testing";
import type { VerifierOptions } from "../../src/options/configuration.ts";
import type { IntrospectionOptions } from "../../src/options/introspection-configuration.ts";
import type { Verifier } from "../../src/verifier.ts";
import { verifierOf } from "./verification.ts";

/** Returns the introspection options for an issuer. */
export function introspectionOf(issuer: Issuer, options: Partial<IntrospectionOptions> = {}): IntrospectionOptions {
  return { ...issuer.introspectionClient, endpoint: issuer.introspectionEndpoint, ...options };
}

/** Creates a verifier that introspects opaque tokens and has the issuer's keys. */
export function introspectingVerifier(
  issuer: Issuer,
  introspection: Partial<IntrospectionOptions> = {},
  options: VerifierOptions = {},
): Verifier {
  return verifierOf(issuer, { introspection: introspectionOf(issuer, introspection), ...options });
}

/** Returns the number of introspection requests so far. */
export function introspectionCount({ requests }: Pick<Issuer, "requests">): number {
  return requests.filter((path) => path === "/introspect").length;
}
