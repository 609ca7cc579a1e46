import { AccessTokenError, type AccessTokenErrorCode, httpRejection } from "@certbound/core";
import { type CodeExplanation, codeExplanations } from "../causes/code-explanations.ts";
import { type ExitCode, exitCodes } from "../program.ts";
import type { Styling } from "../rendering/styling.ts";

/** The report of `certbound explain CODE`. */
export interface ErrorCodeReport extends CodeExplanation {
  readonly command: "explain";
  readonly exitCode: ExitCode;
  readonly code: AccessTokenErrorCode;
  /** The response of an API with default options. */
  readonly answer: { readonly status: number; readonly challenge?: string };
}

/** Explains an error code without a token. */
export function explainErrorCode(code: AccessTokenErrorCode): ErrorCodeReport {
  const { status, headers } = httpRejection(new AccessTokenError(code));
  const challenge = headers["WWW-Authenticate"];
  return {
    command: "explain",
    exitCode: exitCodes.success,
    code,
    answer: { status, ...(challenge !== undefined && { challenge }) },
    ...codeExplanations[code],
  };
}

/** Formats the report as text. */
export function errorCodeText({ code, answer, cause, fix }: ErrorCodeReport, style: Styling): string {
  const { status, challenge } = answer;
  const lines = [
    ["response", challenge === undefined ? `${status}` : `${status}, WWW-Authenticate: ${challenge}`],
    ["cause", cause],
    ["fix", fix],
  ] as const;
  const texts = lines.map(([label, text]) => `    ${style("faint", label.padEnd(9))}${text}`);
  const next = "To find the cause for one token: certbound explain --token FILE (see certbound explain --help)";
  return `${[style("strong", code), ...texts, style("faint", next)].join("\n")}\n`;
}
