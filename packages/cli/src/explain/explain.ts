import { AccessTokenError, createVerifier, type JsonWebKeySet, type VerifierOptions } from "@certbound/core";
import { isTlsUnverified } from "@certbound/core/internal";
import { type ExplainArguments } from "../arguments/explain-arguments.ts";
import type { Facts } from "../causes/cause.ts";
import { readAuthorities } from "../inputs/certificate-file.ts";
import { type Exchange, recordingFetch, verifyingFetch } from "../inputs/http-exchange.ts";
import { presentedCertificate } from "../inputs/presented-certificate.ts";
import { readKeySet } from "../inputs/text-source.ts";
import { readToken, readTokenText } from "../inputs/token-input.ts";
import { type Surroundings, UsageError } from "../program.ts";
import { type Attempt, judge } from "./attempts.ts";
import { findFaults } from "./probe.ts";
import { type ExplainReport, explainReport } from "./report.ts";

/**
 * Explains what core says of a token and a client certificate: first as it is configured, then again without each obstacle.
 *
 * @throws UsageError
 */
export async function explain(given: ExplainArguments, surroundings: Surroundings): Promise<ExplainReport> {
  if (given.token === "-" && given.certificate === "-") throw new UsageError("only one of --token and --cert can be -");
  const { text, ...tokenInput } = await readToken(given.token, surroundings);
  const presented = await presentedCertificate(given, surroundings);
  const { jwks, ...keySetInput } = await readKeySet(given.jwks, surroundings);
  const ca = await readAuthorities(given.ca, surroundings);
  const recording = recordingFetch(isTlsUnverified(surroundings.env) || ca.length > 0 ? verifyingFetch(ca) : fetch);
  const now = given.at ?? Date.now();
  const { issuer, audience, rules, scopes } = given;
  const options: VerifierOptions = { ...rules, issuer, audience, jwks, fetch: recording.fetch, clock: () => now };
  const use = { clientCertificate: presented.input, ...(scopes.length > 0 && { scopes }) };
  const configured: Attempt = { token: text, options, use };
  const first = await judgeConfigured(configured);
  const { keys, failure } = await findKeys({ options, first, exchanges: recording.exchanges });
  const context = { token: readTokenText(text), now: now / 1000 };
  const probing = await findFaults({ configured, first, keys, failure, context });
  const facts: Facts = {
    token: context.token,
    rules: { ...rules, issuer, audience, jwks, algorithms: rules.algorithms?.slice(), scopes },
    presented,
    exchanges: recording.exchanges,
    keys,
    now: context.now,
    markedInputs: [
      ...(tokenInput.hasByteOrderMark ? ["--token"] : []),
      ...(keySetInput.hasByteOrderMark ? ["--jwks"] : []),
    ],
  };
  return explainReport(probing, facts);
}

/** What core does not take as an option is not taken here. */
async function judgeConfigured(attempt: Attempt): Promise<AccessTokenError | undefined> {
  try {
    return await judge(attempt);
  } catch (error) {
    if (error instanceof TypeError && error.message.startsWith("certbound:")) throw new UsageError(error.message);
    throw error;
  }
}

/** The keys of the configured issuer, or why there are none. */
interface IssuerKeys {
  readonly keys: JsonWebKeySet | undefined;
  readonly failure: AccessTokenError | undefined;
}

/** What is known of the keys once core has judged. */
interface KeysSought {
  readonly options: VerifierOptions;
  /** What core said. */
  readonly first: AccessTokenError | undefined;
  /** What it asked the issuer, and goes on asking. */
  readonly exchanges: readonly Exchange[];
}

/** Takes the keys of the configured issuer from what core was answered; it is asked once, whether core came to it or not. */
async function findKeys({ options, first, exchanges }: KeysSought): Promise<IssuerKeys> {
  const { jwks } = options;
  if (typeof jwks === "object" && !(jwks instanceof URL)) return { keys: jwks, failure: undefined };
  const failure = exchanges.length === 0 ? await fetchFailure(options) : first;
  if (failure?.code === "ERR_KEYS_UNAVAILABLE") return { keys: undefined, failure };
  // The last answer is that of the key set: core has just accepted it.
  return { keys: JSON.parse(exchanges.at(-1)?.body ?? "") as JsonWebKeySet, failure: undefined };
}

async function fetchFailure(options: VerifierOptions): Promise<AccessTokenError | undefined> {
  try {
    await createVerifier(options).ready();
    return undefined;
  } catch (error) {
    if (error instanceof AccessTokenError) return error;
    throw error;
  }
}
