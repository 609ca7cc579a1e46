export type { CheckName, CheckServerReport, RequestName, ServerCheck, ServerVerdict } from "./check-server/report.ts";
export type { ExitCode } from "./exit-codes.ts";
export type { ExplainedStep, ExplainReport } from "./explain/report.ts";
export type { StepName } from "./explain/step-names.ts";
export type { StepStatus } from "./explain/verification-steps.ts";
export { run } from "./run.ts";
export type { Output, Surroundings } from "./surroundings.ts";
export type { TellingCertificate, ThumbprintReport } from "./thumbprint/thumbprint.ts";
