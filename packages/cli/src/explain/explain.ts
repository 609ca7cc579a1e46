import { AccessTokenError, createVerifier, type JsonWebKeySet, type VerifierOptions } from "@certbound/core";
import { isTlsUnverified } from "@certbound/core/internal";
import { type ExplainArguments } from "../arguments/explain-arguments.ts";
import type { Facts } from "../causes/cause.ts";
import { readCaCertificates } from "../inputs/certificate-file.ts";
import { type IssuerRequest, recordingFetch, verifyingFetch } from "../inputs/http-requests.ts";
import { presentedCertificate } from "../inputs/presented-certificate.ts";
import { readKeySet } from "../inputs/text-source.ts";
import { readToken, readTokenText } from "../inputs/token-input.ts";
import { type Surroundings, UsageError } from "../program.ts";
import { type Attempt, verify } from "./attempts.ts";
import { findFailures } from "./probe.ts";
import { type ExplainReport, explainReport } from "./report.ts";

/**
 * Explains how core verifies a token and a client certificate: first as configured, then without each check that failed.
 *
 * @throws UsageError
 */
export async function explain(given: ExplainArguments, surroundings: Surroundings): Promise<ExplainReport> {
  if (given.token === "-" && given.certificate === "-")
    throw new UsageError("only one of --token and --cert can be - (standard input)");
  const { text, ...tokenInput } = await readToken(given.token, surroundings);
  const presented = await presentedCertificate(given, surroundings);
  const { jwks, ...keySetInput } = await readKeySet(given.jwks, surroundings);
  const ca = await readCaCertificates(given.ca, surroundings);
  const recording = recordingFetch(isTlsUnverified(surroundings.env) || ca.length > 0 ? verifyingFetch(ca) : fetch);
  const now = given.at ?? Date.now();
  const { issuer, audience, rules, scopes } = given;
  const options: VerifierOptions = { ...rules, issuer, audience, jwks, fetch: recording.fetch, clock: () => now };
  const verifyOptions = { clientCertificate: presented.input, ...(scopes.length > 0 && { scopes }) };
  const configured: Attempt = { token: text, options, verifyOptions };
  const error = await verifyConfigured(configured);
  const { keys, keysError } = await findKeys({ options, error, issuerRequests: recording.requests });
  const context = { token: readTokenText(text), now: now / 1000 };
  const result = await findFailures({ configured, error, keys, keysError, context });
  const facts: Facts = {
    token: context.token,
    rules: { ...rules, issuer, audience, jwks, algorithms: rules.algorithms?.slice(), scopes },
    presented,
    issuerRequests: recording.requests,
    keys,
    now: context.now,
    markedInputs: [
      ...(tokenInput.hasByteOrderMark ? ["--token"] : []),
      ...(keySetInput.hasByteOrderMark ? ["--jwks"] : []),
    ],
  };
  return explainReport(result, facts);
}

/** The start of core's messages about options. The program itself prints it before a usage error. */
const PREFIX = "certbound: ";

/** Verifies the token as configured. Reports options that core rejects as a usage error. */
async function verifyConfigured(attempt: Attempt): Promise<AccessTokenError | undefined> {
  try {
    return await verify(attempt);
  } catch (error) {
    if (error instanceof TypeError && error.message.startsWith(PREFIX))
      throw new UsageError(error.message.slice(PREFIX.length));
    throw error;
  }
}

/** The keys of the configured issuer, or the error of fetching them. */
interface IssuerKeys {
  readonly keys: JsonWebKeySet | undefined;
  readonly keysError: AccessTokenError | undefined;
}

/** The input for finding the keys, after the first verification. */
interface KeySearch {
  readonly options: VerifierOptions;
  /** The result of the first verification. */
  readonly error: AccessTokenError | undefined;
  /** The requests to the issuer so far. Grows when core sends another one. */
  readonly issuerRequests: readonly IssuerRequest[];
}

/** Returns the keys of the configured issuer. Makes core fetch them if core has not sent a request yet. */
async function findKeys({ options, error, issuerRequests }: KeySearch): Promise<IssuerKeys> {
  const { jwks } = options;
  if (typeof jwks === "object" && !(jwks instanceof URL)) return { keys: jwks, keysError: undefined };
  const keysError = issuerRequests.length === 0 ? await fetchKeys(options) : error;
  if (keysError?.code === "ERR_KEYS_UNAVAILABLE") return { keys: undefined, keysError };
  // The last response is the key set, because core reported no error.
  return { keys: JSON.parse(issuerRequests.at(-1)?.body ?? "") as JsonWebKeySet, keysError: undefined };
}

/** Makes core fetch the keys, and returns the error, if any. */
async function fetchKeys(options: VerifierOptions): Promise<AccessTokenError | undefined> {
  try {
    await createVerifier(options).ready();
    return undefined;
  } catch (error) {
    if (error instanceof AccessTokenError) return error;
    throw error;
  }
}
