import type { Issuer } from "@certbound/testing";
import type { VerifierOptions } from "../../src/options/configuration.ts";
import type { IntrospectionOptions } from "../../src/options/introspection-configuration.ts";
import { createIntrospector, type Introspector } from "../../src/issuer/introspection/introspector.ts";
import { createIssuerKeys } from "../../src/issuer/keys/issuer-keys.ts";
import { parseVerifierOptions } from "../../src/options/verifier-options.ts";
import { now } from "./verification.ts";

/** What an introspector takes for the time, in milliseconds: both stand still until the test moves them. */
export interface Times {
  /** Since the process began. */
  elapsed: number;
  /** Since the epoch. */
  clock: number;
}

/** Gives a time of its own to a test, which starts when tokens are issued. */
export function timesOf(clock: number = now): Times {
  return { elapsed: 1_000_000, clock };
}

/** Moves both times, as they go by. */
export function pass(times: Times, milliseconds: number): void {
  times.elapsed += milliseconds;
  times.clock += milliseconds;
}

/** What a test says of an introspector: its options, and what else it is made with. */
export interface IntrospectorOptions extends Partial<IntrospectionOptions> {
  readonly issuer?: string;
  readonly times?: Times;
  readonly clock?: VerifierOptions["clock"];
}

/** Creates an introspector with the options, checked; by default one that shares nothing. */
export function introspectorOf(options: IntrospectorOptions): Introspector {
  const { issuer = "https://issuer.example", times = timesOf(), clock = () => times.clock, ...given } = options;
  const credentials = given.clientSecret === undefined ? { clientSecret: "secret" } : {};
  const configuration = parseVerifierOptions({
    issuer,
    audience: null,
    clock,
    introspection: { clientId: "api", ...credentials, ...given },
  });
  const [configured] = configuration.issuers;
  if (configured?.introspection === undefined) throw new Error("there is no issuer to ask");
  return createIntrospector(
    { ...configured, introspection: configured.introspection },
    { keys: createIssuerKeys(configured, configuration), verifier: configuration, elapsed: () => times.elapsed },
  );
}

/** What an API needs to ask an issuer of the test kit. */
export function asking(issuer: Issuer): IntrospectorOptions & { readonly endpoint: URL } {
  return { issuer: issuer.issuer, endpoint: issuer.introspectionEndpoint, ...issuer.introspectionClient };
}

/** How often an issuer of the test kit was asked about tokens so far. */
export function questions(issuer: Issuer): number {
  return issuer.requests.filter((path) => path === issuer.introspectionEndpoint.pathname).length;
}
