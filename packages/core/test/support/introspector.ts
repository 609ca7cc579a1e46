import type { Issuer } from "@certbound/testing";
import type { VerifierOptions } from "../../src/options/configuration.ts";
import type { IntrospectionOptions } from "../../src/options/introspection-configuration.ts";
import { createIntrospector, type Introspector } from "../../src/issuer/introspection/introspector.ts";
import { createIssuerKeys } from "../../src/issuer/keys/issuer-keys.ts";
import { parseVerifierOptions } from "../../src/options/verifier-options.ts";
import { now } from "./verification.ts";

/** The times of an introspector, in milliseconds. They change only when the test changes them. */
export interface Times {
  /** Since the process started. */
  elapsed: number;
  /** Since the epoch. */
  clock: number;
}

/** Creates the times of a test; the clock starts when the tokens are issued. */
export function timesOf(clock: number = now): Times {
  return { elapsed: 1_000_000, clock };
}

/** Advances both times. */
export function pass(times: Times, milliseconds: number): void {
  times.elapsed += milliseconds;
  times.clock += milliseconds;
}

/** Introspection options, and the other parameters of an introspector. */
export interface IntrospectorOptions extends Partial<IntrospectionOptions> {
  readonly issuer?: string;
  readonly times?: Times;
  readonly clock?: VerifierOptions["clock"];
}

/** Creates an introspector with these options, by default without a shared cache. */
export function introspectorOf(options: IntrospectorOptions): Introspector {
  const { issuer = "https://issuer.example", times = timesOf(), clock = () => times.clock, ...introspection } = options;
  const credentials = introspection.clientSecret === undefined ? { clientSecret: "secret" } : {};
  const configuration = parseVerifierOptions({
    issuer,
    audience: null,
    clock,
    introspection: { clientId: "api", ...credentials, ...introspection },
  });
  const [configured] = configuration.issuers;
  if (configured?.introspection === undefined) throw new Error("no issuer has introspection options");
  return createIntrospector(
    { ...configured, introspection: configured.introspection },
    { keys: createIssuerKeys(configured, configuration), verifier: configuration, elapsed: () => times.elapsed },
  );
}

/** Returns the options for an issuer of the test kit. */
export function introspectionOptionsOf(issuer: Issuer): IntrospectorOptions & { readonly endpoint: URL } {
  return { issuer: issuer.issuer, endpoint: issuer.introspectionEndpoint, ...issuer.introspectionClient };
}

/** Returns the number of introspection requests to an issuer of the test kit so far. */
export function introspectionCount(issuer: Issuer): number {
  return issuer.requests.filter((path) => path === issuer.introspectionEndpoint.pathname).length;
}
