import type { Issuer } from "@certbound/testing";
import type { VerifierOptions } from "../../src/options/configuration.ts";
import type { IntrospectionOptions } from "../../src/options/introspection-configuration.ts";
import type { Verifier } from "../../src/verifier.ts";
import { verifierOf } from "./verification.ts";

/** How the issuer is asked about tokens, unless the options say otherwise. */
export function introspectionOf(issuer: Issuer, options: Partial<IntrospectionOptions> = {}): IntrospectionOptions {
  return { ...issuer.introspectionClient, endpoint: issuer.introspectionEndpoint, ...options };
}

/** Creates a verifier that asks the issuer about opaque tokens, and has its keys. */
export function introspectingVerifier(
  issuer: Issuer,
  introspection: Partial<IntrospectionOptions> = {},
  options: VerifierOptions = {},
): Verifier {
  return verifierOf(issuer, { introspection: introspectionOf(issuer, introspection), ...options });
}

/** How often an issuer was asked about a token so far. */
export function timesAsked({ requests }: Pick<Issuer, "requests">): number {
  return requests.filter((path) => path === "/introspect").length;
}
