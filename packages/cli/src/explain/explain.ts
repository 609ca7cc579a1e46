import { type AccessTokenError, type VerifierOptions } from "@certbound/core";
import { isTlsUnverified } from "@certbound/core/internal";
import { type ExplainArguments } from "../arguments/explain-arguments.ts";
import { readAuthorities } from "../inputs/authorities.ts";
import { recordingFetch } from "../inputs/issuer-exchanges.ts";
import { keySet } from "../inputs/key-set.ts";
import { readToken } from "../inputs/token-source.ts";
import { verifyingFetch } from "../inputs/verifying-fetch.ts";
import type { Surroundings } from "../surroundings.ts";
import { UsageError } from "../usage-error.ts";
import { type Attempt, judge } from "./attempt.ts";
import type { Facts } from "./facts.ts";
import { findKeys } from "./issuer-keys.ts";
import { presentedCertificate } from "./presented-certificate.ts";
import { findFaults } from "./probe.ts";
import { type ExplainReport, explainReport } from "./report.ts";
import { readTokenText } from "./token-reading.ts";

/**
 * Explains what core says of a token and a client certificate: first as it is configured, then again without each obstacle.
 *
 * @throws UsageError
 */
export async function explain(given: ExplainArguments, surroundings: Surroundings): Promise<ExplainReport> {
  if (given.token === "-" && given.certificate === "-") throw new UsageError("only one of --token and --cert can be -");
  const { text, ...tokenInput } = await readToken(given.token, surroundings);
  const presented = await presentedCertificate(given, surroundings);
  const { jwks, ...keySetInput } = await keySet(given.jwks, surroundings);
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
