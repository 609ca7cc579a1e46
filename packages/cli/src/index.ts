/**
 * The functions behind the commands of `certbound`, for use in scripts.
 *
 * @module @certbound/cli
 */

export type { CheckName, CheckServerReport, RequestName, ServerCheck, ServerVerdict } from "./check-server/report.ts";
export type { ErrorCodeReport } from "./explain/error-code.ts";
export type { ExplainedStep, ExplainReport } from "./explain/report.ts";
export type { StepName, StepStatus } from "./explain/steps.ts";
export type { ExitCode, Output, Surroundings } from "./program.ts";
export { run } from "./run.ts";
export type { CertificateInfo, ThumbprintReport } from "./thumbprint/thumbprint.ts";
