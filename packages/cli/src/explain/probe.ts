import { AccessTokenError, type JsonWebKeySet, verifyCertificateBinding, type VerifierOptions } from "@certbound/core";
import { profiles } from "@certbound/core/internal";
import { type Attempt, judge, type RemovalContext, withoutObstacle } from "./attempts.ts";
import { type Fault, type Probing, type StepName, stepNames, stepOfCode } from "./steps.ts";

/** What is asked beyond the first rejection. */
export interface Probe {
  readonly configured: Attempt;
  /** What core said to the attempt as it is configured. */
  readonly first: AccessTokenError | undefined;
  /** The keys of the configured issuer; undefined: they could not be fetched. */
  readonly keys: JsonWebKeySet | undefined;
  /** Why not. */
  readonly failure: AccessTokenError | undefined;
  readonly context: RemovalContext;
}

/** As many as there are steps: every turn leaves one behind. */
const MOST_TURNS = stepNames.length;

/** The thumbprint of a certificate that nobody has: what is bound to it is bound to no other. */
const NOBODYS = "A".repeat(43);

/**
 * Has core judge again and again, each time without the obstacle that it named: what it rejects then is a fault as well.
 *
 * Nothing is fetched any more: an issuer's name that a token holds is never asked.
 */
export async function findFaults({ configured, first, keys, failure, context }: Probe): Promise<Probing> {
  const faults: Fault[] = [];
  let left: { readonly profile: VerifierOptions["profile"]; readonly at: StepName } | undefined;
  let attempt: Attempt = { ...configured, options: { ...configured.options, ...withKeys(keys) } };
  let rejection = first;
  while (rejection !== undefined && faults.length < MOST_TURNS) {
    const step = stepOfCode[rejection.code];
    faults.push({ step, error: rejection });
    const next = await beyond(step, withoutObstacle(rejection.code, attempt, context));
    if (next === undefined) break;
    const leavesProfile = attempt.options.profile !== undefined && next.attempt.options.profile === undefined;
    if (leavesProfile) left = { profile: attempt.options.profile, at: step };
    ({ attempt, rejection } = next);
  }
  const stopped = rejection === undefined ? undefined : stepOfCode[rejection.code];
  const all = [...withFailure(faults, failure), ...bindingFaults(configured, context, { faults, stopped })];
  return {
    faults: all.toSorted((one, other) => stepNames.indexOf(one.step) - stepNames.indexOf(other.step)),
    stopped,
    partlyJudged: left === undefined ? [] : demandsOf(left.profile).filter((step) => isBefore(left?.at, step)),
  };
}

/** The steps in which a profile demands more than its options could say. */
function demandsOf(profile: VerifierOptions["profile"]): readonly StepName[] {
  return profile !== undefined && profiles[profile].issuedAhead !== undefined ? ["time", "claims"] : ["claims"];
}

/** Why the keys could not be fetched is better known than that there were none to go on with. */
function withFailure(faults: readonly Fault[], failure: AccessTokenError | undefined): readonly Fault[] {
  if (failure === undefined) return faults;
  return [...faults.filter(({ step }) => step !== "keys"), { step: "keys", error: failure }];
}

/** The first of several attempts that gets further than a step. */
async function beyond(
  step: StepName,
  attempts: readonly Attempt[],
): Promise<{ readonly attempt: Attempt; readonly rejection: AccessTokenError | undefined } | undefined> {
  for (const attempt of attempts) {
    try {
      const rejection = await judge(attempt);
      if (rejection === undefined || isBefore(step, stepOfCode[rejection.code])) return { attempt, rejection };
    } catch (error) {
      // Options that contradict each other, or that core never takes: not a way.
      if (!(error instanceof TypeError)) throw error;
    }
  }
  return undefined;
}

/** What the steps certificate and binding have to say that verifying did not come to. */
function bindingFaults(
  { use }: Attempt,
  { token: { claims } }: RemovalContext,
  { faults, stopped }: { readonly faults: readonly Fault[]; readonly stopped: StepName | undefined },
): readonly Fault[] {
  const { clientCertificate } = use;
  const found = faults.find(({ step }) => step === "certificate" || step === "binding");
  if (claims === undefined || found?.step === "binding") return [];
  if (found === undefined && !isBefore(stopped, "certificate")) return [];
  const own =
    clientCertificate instanceof AccessTokenError ? clientCertificate : judgeBinding(claims, clientCertificate);
  const certificate = found === undefined && own !== undefined ? [{ step: stepOfCode[own.code], error: own }] : [];
  if (certificate[0]?.step === "binding" || (found === undefined && own === undefined)) return certificate;
  // Without a certificate, the shape of cnf can still be judged.
  const shape = judgeBinding(claims, { thumbprint: NOBODYS });
  const binding =
    shape === undefined || shape.code === "ERR_BINDING_MISMATCH" ? [] : [{ step: "binding" as const, error: shape }];
  return [...certificate, ...binding];
}

function judgeBinding(...parameters: Parameters<typeof verifyCertificateBinding>): AccessTokenError | undefined {
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

function withKeys(keys: JsonWebKeySet | undefined): Attempt["options"] {
  if (keys !== undefined) return { jwks: keys };
  return { jwks: "https://keys.invalid/", fetch: () => Promise.reject(new Error("nothing is fetched")) };
}
