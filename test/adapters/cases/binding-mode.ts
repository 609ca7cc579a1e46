import { tamperSignature } from "@certbound/testing";
import type { Parties } from "../../helpers/parties.ts";
import { accepted, type AdapterCase, rejected } from "../adapter-case.ts";

const required = { requirements: { validateCertificateBinding: true } } as const;
const whenBound = { requirements: { validateCertificateBinding: "when-bound" } } as const;
const reportOnly = { requirements: { validateCertificateBinding: "report-only" } } as const;

const unbound = ({ issuer }: Parties): Promise<string> => issuer.accessToken();
const unboundJwt = ({ issuer }: Parties): Promise<string> => issuer.accessToken({ header: { typ: "JWT" } });
const malformed = ({ token }: Parties): Promise<string> => token({ claims: { cnf: null } });
const tampered = async ({ token }: Parties): Promise<string> => tamperSignature(await token());
const expired = ({ token }: Parties): Promise<string> => token({ expiresIn: -60 });

/** The modes of `validateCertificateBinding`. */
export const bindingMode: readonly AdapterCase[] = [
  accepted("a bound token with validateCertificateBinding true", required),
  rejected("an unbound token with validateCertificateBinding true", "ERR_BINDING_REQUIRED", {
    ...required,
    token: unbound,
  }),

  accepted("a bound token in mode when-bound", whenBound),
  accepted("an unbound token in mode when-bound", { ...whenBound, token: unbound }, { binding: "unbound" }),
  accepted(
    "an unbound token without a certificate in mode when-bound",
    { ...whenBound, token: unbound, presents: "none" },
    { binding: "unbound" },
  ),
  rejected("a stolen token in mode when-bound", "ERR_BINDING_MISMATCH", { ...whenBound, presents: "thief" }),
  rejected("a bound token without a certificate in mode when-bound", "ERR_CERTIFICATE_MISSING", {
    ...whenBound,
    presents: "none",
  }),
  rejected("cnf null in mode when-bound", "ERR_BINDING_MALFORMED", { ...whenBound, token: malformed }),
  rejected("a DPoP-bound token in mode when-bound", "ERR_BINDING_UNSUPPORTED", {
    ...whenBound,
    token: ({ token, client }) => token({ claims: { cnf: { jkt: client.thumbprint } } }),
  }),
  rejected("a token of type JWT, which may be an ID token, in mode when-bound", "ERR_TOKEN_TYPE", {
    ...whenBound,
    token: unboundJwt,
  }),
  rejected("an expired token in mode when-bound", "ERR_TOKEN_EXPIRED", { ...whenBound, token: expired }),

  accepted("a bound token in mode report-only", reportOnly),
  accepted(
    "a stolen token in mode report-only",
    { ...reportOnly, presents: "thief" },
    { binding: "rejected", bindingError: "ERR_BINDING_MISMATCH" },
  ),
  accepted(
    "a bound token without a certificate in mode report-only",
    { ...reportOnly, presents: "none" },
    { binding: "rejected", bindingError: "ERR_CERTIFICATE_MISSING" },
  ),
  accepted(
    "an unbound token in mode report-only",
    { ...reportOnly, token: unbound },
    { binding: "rejected", bindingError: "ERR_BINDING_REQUIRED" },
  ),
  accepted(
    "cnf null in mode report-only",
    { ...reportOnly, token: malformed },
    { binding: "rejected", bindingError: "ERR_BINDING_MALFORMED" },
  ),
  rejected("a token of type JWT in mode report-only", "ERR_TOKEN_TYPE", { ...reportOnly, token: unboundJwt }),
  rejected("a tampered token in mode report-only", "ERR_TOKEN_SIGNATURE", { ...reportOnly, token: tampered }),
  rejected("an expired token in mode report-only", "ERR_TOKEN_EXPIRED", { ...reportOnly, token: expired }),
];
