import { type AccessTokenError, type AccessTokenErrorCode, httpRejection } from "@certbound/core";
import { isNumericDate, UNVERIFIED_SUFFIX } from "@certbound/core/internal";
import type { Facts } from "../causes/cause.ts";
import { findCause } from "../causes/find-cause.ts";
import { type ExitCode, exitCodes } from "../program.ts";
import { printable } from "../rendering/printable.ts";
import type { Style, Styling } from "../rendering/styling.ts";
import { comparisons } from "./comparisons.ts";
import { type ProbeResult, type StepName, type StepStatus, verificationSteps } from "./steps.ts";

/** One step of the verification in the report. */
export interface ExplainedStep {
  readonly step: StepName;
  readonly status: StepStatus;
  /** True for the failure that determines the response of the API. */
  readonly first?: true;
  readonly code?: AccessTokenErrorCode;
  /** The detail of core's error, without the statement about the signature: the step `signature` has its own status. */
  readonly detail?: string;
  readonly expected?: string;
  readonly seen?: string;
  readonly cause?: string;
  readonly reason?: string;
  readonly fix?: string;
}

/** The report of `certbound explain`. */
export interface ExplainReport {
  readonly command: "explain";
  readonly accepted: boolean;
  readonly exitCode: ExitCode;
  /** The response of the API. For an accepted token always 200, although the route may respond with another status. */
  readonly answer: { readonly status: number; readonly code?: AccessTokenErrorCode };
  /** `configure` is the certificateResolver to configure in the API, as source code, if a proxy forwards the certificate. */
  readonly certificate: { readonly source: string; readonly thumbprint?: string; readonly configure?: string };
  readonly steps: readonly ExplainedStep[];
  readonly notes: readonly string[];
}

const marks: Readonly<Record<StepStatus, readonly [string, Style]>> = {
  passed: ["✓", "good"],
  failed: ["✗", "bad"],
  unknown: ["–", "faint"],
};

/** Combines the failures with the cause and the comparison of each step. */
export function explainReport(result: ProbeResult, facts: Facts): ExplainReport {
  const [first] = result.failures;
  const claims = facts.token.claims ?? {};
  const steps = verificationSteps(result, {
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
    steps: steps.map(({ step, status, failure }) => ({
      step,
      status,
      ...(failure !== undefined && failure === first && { first: true as const }),
      ...(failure !== undefined && explained(failure.error, facts)),
      ...(facts.token.header !== undefined || step === "token" || step === "certificate"
        ? comparisons[step](facts)
        : {}),
    })),
    notes: notesOf(result, facts),
  };
}

/** Formats the report as text. */
export function explainText(report: ExplainReport, style: Styling): string {
  const { answer, accepted, certificate, notes } = report;
  const verdict = accepted
    ? style("good", "accepted")
    : `${style("bad", "rejected")}: the API responds with ${answer.status} (${answer.code ?? ""})`;
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
    ...(detail !== undefined && { detail: withoutSuffix(detail, UNVERIFIED_SUFFIX) }),
    ...(cause !== undefined && { cause: cause.id, reason: cause.reason, fix: cause.fix }),
  };
}

function withoutSuffix(text: string, suffix: string): string {
  return text.endsWith(suffix) ? text.slice(0, -suffix.length) : text;
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

function notesOf(
  { failures, partlyChecked }: ProbeResult,
  { token, presented, now, markedInputs }: Facts,
): readonly string[] {
  const { file, x509, forwarded, thumbprint } = presented;
  const notes: string[] = [];
  if (partlyChecked.length > 0)
    notes.push(
      "further requirements of the profile for claims and times were not checked, because the token does not meet the profile",
    );
  if (token.repaired !== token.text)
    notes.push("the steps after the first one were performed with the token found in the text");
  for (const option of markedInputs) {
    notes.push(
      `the input of ${option} starts with a UTF-8 byte order mark, which explain ignores: remove it, because other programs do not ignore it`,
    );
  }
  if (forwarded?.isGuessed === true) {
    notes.push(`the format was guessed: configure ${forwarded.code} in the API, which never guesses the format`);
  }
  if (forwarded !== undefined)
    notes.push("explain assumes that the headers come from the proxy; in the API, the trust rule verifies this");
  if (failures.length === 0 && file !== undefined) {
    notes.push(
      "explain assumes that the server receives the certificate in the file: a Node.js server must set requestCert: true; behind a proxy that terminates TLS, the proxy must forward the certificate, and the API must use fromProxy",
    );
  }
  if (thumbprint !== undefined && x509 === undefined)
    notes.push("the header contains only the thumbprint of the certificate");
  if (x509 !== undefined && Date.parse(x509.validTo) / 1000 < now) {
    notes.push(
      "the certificate has expired: the binding does not depend on its dates, but TLS or a certificatePolicy may reject the certificate",
    );
  }
  return notes;
}

function stepLines(step: ExplainedStep, style: Styling): readonly string[] {
  const [mark, color] = marks[step.status];
  const name = step.step.padEnd(13);
  if (step.status !== "failed") return [`${style(color, mark)} ${name}${step.seen ?? ""}`.trimEnd()];
  const first = step.first === true ? style("strong", "  <- the API responds with this error") : "";
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
