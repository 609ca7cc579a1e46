import type { ExplainedStep, ExplainReport } from "../explain/report.ts";
import type { StepStatus } from "../explain/verification-steps.ts";
import type { Style, Styling } from "./styling.ts";

const marks: Readonly<Record<StepStatus, readonly [string, Style]>> = {
  passed: ["✓", "good"],
  failed: ["✗", "bad"],
  unknown: ["–", "faint"],
};

/** Writes what was found for people. */
export function explainText(report: ExplainReport, style: Styling): string {
  const { answer, accepted, certificate, notes } = report;
  const verdict = accepted
    ? style("good", "accepted")
    : `${style("bad", "refused")}: the API answers ${answer.status}, for ${answer.code ?? ""}`;
  const lines = [
    ...report.steps.flatMap((step) => stepLines(step, style)),
    "",
    verdict,
    ...(certificate.configure === undefined ? [] : [`certificateResolver: ${certificate.configure}`]),
    ...notes.map((note) => style("faint", `note: ${note}`)),
  ];
  return `${lines.join("\n")}\n`;
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
