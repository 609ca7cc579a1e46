import { type AccessTokenError, type AccessTokenErrorCode, httpRejection } from "@certbound/core";
import { isNumericDate } from "@certbound/core/internal";
import type { Facts } from "../causes/cause.ts";
import { findCause } from "../causes/find-cause.ts";
import { type ExitCode, exitCodes } from "../program.ts";
import { printable } from "../rendering/printable.ts";
import type { Style, Styling } from "../rendering/styling.ts";
import { comparisons } from "./comparisons.ts";
import { type Probing, type StepName, type StepStatus, verificationSteps } from "./steps.ts";

/** One step of the verification, told. */
export interface ExplainedStep {
  readonly step: StepName;
  readonly status: StepStatus;
  /** Whether it is the one that the API answers with. */
  readonly first?: true;
  readonly code?: AccessTokenErrorCode;
  /** The sentence of core. */
  readonly detail?: string;
  readonly expected?: string;
  readonly seen?: string;
  readonly cause?: string;
  readonly reason?: string;
  readonly fix?: string;
}

/** What `certbound explain` found. */
export interface ExplainReport {
  readonly command: "explain";
  readonly accepted: boolean;
  readonly exitCode: ExitCode;
  /** What the API answers with; of an accepted token, 200 stands for whatever the route does. */
  readonly answer: { readonly status: number; readonly code?: AccessTokenErrorCode };
  readonly certificate: { readonly source: string; readonly thumbprint?: string; readonly configure?: string };
  readonly steps: readonly ExplainedStep[];
  readonly notes: readonly string[];
}

const marks: Readonly<Record<StepStatus, readonly [string, Style]>> = {
  passed: ["✓", "good"],
  failed: ["✗", "bad"],
  unknown: ["–", "faint"],
};

/** Puts what core found beside what the token and the certificate say. */
export function explainReport(probing: Probing, facts: Facts): ExplainReport {
  const [first] = probing.faults;
  const claims = facts.token.claims ?? {};
  const steps = verificationSteps(probing, {
    requiresScopes: facts.rules.scopes.length > 0,
    hasUnreadableTime:
      !isNumericDate(claims["exp"]) || ["nbf", "iat"].some((name) => name in claims && !isNumericDate(claims[name])),
    hasKeys: facts.keys !== undefined,
  });
  return {
    command: "explain",
    accepted: first === undefined,
    exitCode: exitCodeOf(first?.error),
    answer:
      first === undefined ? { status: 200 } : { status: httpRejection(first.error).status, code: first.error.code },
    certificate: certificateOf(facts),
    steps: steps.map(({ step, status, fault }) => ({
      step,
      status,
      ...(fault !== undefined && fault === first && { first: true as const }),
      ...(fault !== undefined && explained(fault.error, facts)),
      ...(facts.token.header !== undefined || step === "token" || step === "certificate"
        ? comparisons[step](facts)
        : {}),
    })),
    notes: notesOf(probing, facts),
  };
}

/** Writes what was found for people. */
export function explainText(report: ExplainReport, style: Styling): string {
  const { answer, accepted, certificate, notes } = report;
  const verdict = accepted
    ? style("good", "accepted")
    : `${style("bad", "rejected")}: the API answers ${answer.status}, for ${answer.code ?? ""}`;
  const lines = [
    ...report.steps.flatMap((step) => stepLines(step, style)),
    "",
    verdict,
    ...(certificate.configure === undefined ? [] : [`certificateResolver: ${certificate.configure}`]),
    ...notes.map((note) => style("faint", `note: ${note}`)),
  ];
  return `${lines.join("\n")}\n`;
}

function explained(error: AccessTokenError, facts: Facts): Partial<ExplainedStep> {
  const { code, detail } = error;
  const cause = findCause(code, facts);
  return {
    code,
    ...(detail !== undefined && { detail }),
    ...(cause !== undefined && { cause: cause.id, reason: cause.reason, fix: cause.fix }),
  };
}

function exitCodeOf(first: AccessTokenError | undefined): ExitCode {
  if (first === undefined) return exitCodes.success;
  return first.code === "ERR_KEYS_UNAVAILABLE" ? exitCodes.noResult : exitCodes.failure;
}

function certificateOf({ presented }: Facts): ExplainReport["certificate"] {
  const { source, thumbprint, forwarded } = presented;
  return {
    source: printable(source),
    ...(thumbprint !== undefined && { thumbprint }),
    ...(forwarded !== undefined && { configure: `fromProxy(${forwarded.code}, { trust })` }),
  };
}

function notesOf({ partlyJudged }: Probing, { token, presented, now, markedInputs }: Facts): readonly string[] {
  const { x509, forwarded, thumbprint } = presented;
  const notes: string[] = [];
  if (partlyJudged.length > 0)
    notes.push("what the profile alone demands of claims and times was not judged: it contradicts what the token has");
  if (token.repaired !== token.text) notes.push("all steps after the first are of the token that is in the text");
  for (const option of markedInputs) {
    notes.push(
      `the input of ${option} begins with a byte order mark (UTF-8), which is left out here: save it without, since other programs do not remove it`,
    );
  }
  if (forwarded?.isGuessed === true) {
    notes.push(`the format was guessed: configure ${forwarded.code}; certbound itself never guesses`);
  }
  if (forwarded !== undefined)
    notes.push("that the headers come from the proxy is taken for granted here: in the API, the trust rule proves it");
  if (thumbprint !== undefined && x509 === undefined) notes.push("only the thumbprint of the certificate is known");
  if (x509 !== undefined && Date.parse(x509.validTo) / 1000 < now) {
    notes.push(
      "the certificate has expired, which the binding does not look at: TLS may reject it, or a certificatePolicy",
    );
  }
  return notes;
}

function stepLines(step: ExplainedStep, style: Styling): readonly string[] {
  const [mark, color] = marks[step.status];
  const name = step.step.padEnd(13);
  if (step.status !== "failed") return [`${style(color, mark)} ${name}${step.seen ?? ""}`.trimEnd()];
  const first = step.first === true ? style("strong", "  <- the API answers with this one") : "";
  return [
    `${style(color, mark)} ${style("strong", name)}${step.code ?? ""}${first}`,
    ...line("expected", step.expected),
    ...line("seen", step.seen),
    ...line("detail", step.detail),
    ...line("reason", step.reason),
    ...line("fix", step.fix),
  ];

  function line(label: string, text: string | undefined): readonly string[] {
    return text === undefined || text === "" ? [] : [`    ${style("faint", label.padEnd(9))}${text}`];
  }
}
