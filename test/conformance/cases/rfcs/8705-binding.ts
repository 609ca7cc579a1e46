import { type ConformanceCase, refuses } from "../../conformance-case.ts";

export const cases: readonly ConformanceCase[] = [
  refuses(["8705-04", "8705-03"], "a token that is bound to another certificate", {
    refused: { certificate: "other" },
    code: "ERR_BINDING_MISMATCH",
  }),
  refuses(["8705-05", "M-03"], "a bound token without a certificate", {
    refused: { certificate: "none" },
    code: "ERR_CERTIFICATE_MISSING",
  }),
  refuses("8705-05", "a bound token without a certificate, also where tokens may be unbound", {
    api: { requirements: { validateCertificateBinding: "when-bound" } },
    refused: { certificate: "none" },
    code: "ERR_CERTIFICATE_MISSING",
  }),
];
