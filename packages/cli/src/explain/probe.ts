import { AccessTokenError, type JsonWebKeySet, verifyCertificateBinding, type VerifierOptions } from "@certbound/core";
import { profiles } from "@certbound/core/internal";
import { type Attempt, type RelaxationContext, verify, withoutCheck } from "./attempts.ts";
import { type ProbeResult, type StepFailure, type StepName, stepNames, stepOfCode } from "./steps.ts";

/** The input for finding the failures after the first one. */
export interface ProbeInput {
  readonly configured: Attempt;
  /** The result of the attempt as configured. */
  readonly error: AccessTokenError | undefined;
  /** The keys of the configured issuer; undefined if they could not be fetched. */
  readonly keys: JsonWebKeySet | undefined;
  /** The error of fetching the keys. */
  readonly keysError: AccessTokenError | undefined;
  readonly context: RelaxationContext;
}

/** The maximum number of attempts: the number of steps, because every attempt gets past at least one step. */
const MAX_ATTEMPTS = stepNames.length;

/** A well-formed thumbprint that matches no certificate. */
const DUMMY_THUMBPRINT = "A".repeat(43);

/**
 * Verifies the token repeatedly, each time without the check that failed, to find all failures.
 *
 * Does not send requests, so that a token cannot cause a request to the issuer that it names.
 */
export async function findFailures({ configured, error, keys, keysError, context }: ProbeInput): Promise<ProbeResult> {
  const failures: StepFailure[] = [];
  let omitted: { readonly profile: VerifierOptions["profile"]; readonly at: StepName } | undefined;
  let attempt: Attempt = { ...configured, options: { ...configured.options, ...withKeys(keys) } };
  let rejection = error;
  while (rejection !== undefined && failures.length < MAX_ATTEMPTS) {
    const step = stepOfCode[rejection.code];
    failures.push({ step, error: rejection });
    const next = await firstBeyond(step, withoutCheck(rejection.code, attempt, context));
    if (next === undefined) break;
    const omitsProfile = attempt.options.profile !== undefined && next.attempt.options.profile === undefined;
    if (omitsProfile) omitted = { profile: attempt.options.profile, at: step };
    ({ attempt, rejection } = next);
  }
  const stoppedAt = rejection === undefined ? undefined : stepOfCode[rejection.code];
  const all = [...withKeysError(failures, keysError), ...bindingFailures(configured, context, { failures, stoppedAt })];
  return {
    failures: all.toSorted((one, other) => stepNames.indexOf(one.step) - stepNames.indexOf(other.step)),
    stoppedAt,
    partlyChecked:
      omitted === undefined ? [] : stepsOfProfile(omitted.profile).filter((step) => isBefore(omitted?.at, step)),
  };
}

/** Returns the steps in which a profile has requirements that cannot be expressed as options. */
function stepsOfProfile(profile: VerifierOptions["profile"]): readonly StepName[] {
  return profile !== undefined && profiles[profile].issuedAhead !== undefined ? ["time", "claims"] : ["claims"];
}

/** Replaces the failure of the step `keys` by the error of fetching the keys, which is more specific. */
function withKeysError(
  failures: readonly StepFailure[],
  keysError: AccessTokenError | undefined,
): readonly StepFailure[] {
  if (keysError === undefined) return failures;
  return [...failures.filter(({ step }) => step !== "keys"), { step: "keys", error: keysError }];
}

/** Returns the first attempt that gets past a step. */
async function firstBeyond(
  step: StepName,
  attempts: readonly Attempt[],
): Promise<{ readonly attempt: Attempt; readonly rejection: AccessTokenError | undefined } | undefined> {
  for (const attempt of attempts) {
    try {
      const rejection = await verify(attempt);
      if (rejection === undefined || isBefore(step, stepOfCode[rejection.code])) return { attempt, rejection };
    } catch (error) {
      // Core rejects the options of this attempt; try the next one.
      if (!(error instanceof TypeError)) throw error;
    }
  }
  return undefined;
}

/** Checks certificate and binding separately if the verification did not reach them, and returns the failures. */
function bindingFailures(
  { verifyOptions }: Attempt,
  { token: { claims } }: RelaxationContext,
  { failures, stoppedAt }: Pick<ProbeResult, "failures" | "stoppedAt">,
): readonly StepFailure[] {
  const { clientCertificate } = verifyOptions;
  const found = failures.find(({ step }) => step === "certificate" || step === "binding");
  if (claims === undefined || failures.some(({ step }) => step === "binding")) return [];
  if (found === undefined && !isBefore(stoppedAt, "certificate")) return [];
  const error =
    clientCertificate instanceof AccessTokenError ? clientCertificate : bindingError(claims, clientCertificate);
  const certificate = found === undefined && error !== undefined ? [{ step: stepOfCode[error.code], error }] : [];
  if (certificate[0]?.step === "binding" || (found === undefined && error === undefined)) return certificate;
  // Without a certificate, the syntax of cnf can still be checked.
  const cnfError = bindingError(claims, { thumbprint: DUMMY_THUMBPRINT });
  const binding =
    cnfError === undefined || cnfError.code === "ERR_BINDING_MISMATCH"
      ? []
      : [{ step: "binding" as const, error: cnfError }];
  return [...certificate, ...binding];
}

function bindingError(...parameters: Parameters<typeof verifyCertificateBinding>): AccessTokenError | undefined {
  try {
    verifyCertificateBinding(...parameters);
    return undefined;
  } catch (error) {
    if (error instanceof AccessTokenError) return error;
    throw error;
  }
}

function isBefore(step: StepName | undefined, other: StepName): boolean {
  return step !== undefined && stepNames.indexOf(step) < stepNames.indexOf(other);
}

/** Returns options with the fetched keys, or, without keys, options that fail in the step `keys` without a request. */
function withKeys(keys: JsonWebKeySet | undefined): Attempt["options"] {
  if (keys !== undefined) return { jwks: keys };
  return { jwks: "https://keys.invalid/", fetch: () => Promise.reject(new Error("nothing is fetched")) };
}
