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

/** What `validateCertificateBinding` lets pass, and what it does not. */
export const bindingMode: readonly AdapterCase[] = [
  accepted("a bound token where binding is required in so many words", required),
  rejected("an unbound one there", "ERR_BINDING_REQUIRED", { ...required, token: unbound }),

  accepted("a bound token when-bound", whenBound),
  accepted("an unbound token when-bound", { ...whenBound, token: unbound }, { binding: "unbound" }),
  accepted(
    "an unbound token when-bound, without a certificate",
    { ...whenBound, token: unbound, presents: "nobody" },
    { binding: "unbound" },
  ),
  rejected("a stolen token when-bound", "ERR_BINDING_MISMATCH", { ...whenBound, presents: "thief" }),
  rejected("a bound token when-bound, without a certificate", "ERR_CERTIFICATE_MISSING", {
    ...whenBound,
    presents: "nobody",
  }),
  rejected("cnf null when-bound", "ERR_BINDING_MALFORMED", { ...whenBound, token: malformed }),
  rejected("a DPoP-bound token when-bound", "ERR_BINDING_UNSUPPORTED", {
    ...whenBound,
    token: ({ token, client }) => token({ claims: { cnf: { jkt: client.thumbprint } } }),
  }),
  rejected("an untyped token when-bound, which may be an ID token", "ERR_TOKEN_TYPE", {
    ...whenBound,
    token: unboundJwt,
  }),
  rejected("an expired token when-bound", "ERR_TOKEN_EXPIRED", { ...whenBound, token: expired }),

  accepted("a bound token report-only", reportOnly),
  accepted(
    "a stolen token report-only",
    { ...reportOnly, presents: "thief" },
    { binding: "rejected", bindingError: "ERR_BINDING_MISMATCH" },
  ),
  accepted(
    "a bound token report-only, without a certificate",
    { ...reportOnly, presents: "nobody" },
    { binding: "rejected", bindingError: "ERR_CERTIFICATE_MISSING" },
  ),
  accepted(
    "an unbound token report-only",
    { ...reportOnly, token: unbound },
    { binding: "rejected", bindingError: "ERR_BINDING_REQUIRED" },
  ),
  accepted(
    "cnf null report-only",
    { ...reportOnly, token: malformed },
    { binding: "rejected", bindingError: "ERR_BINDING_MALFORMED" },
  ),
  rejected("an untyped token report-only", "ERR_TOKEN_TYPE", { ...reportOnly, token: unboundJwt }),
  rejected("a tampered token report-only", "ERR_TOKEN_SIGNATURE", { ...reportOnly, token: tampered }),
  rejected("an expired token report-only", "ERR_TOKEN_EXPIRED", { ...reportOnly, token: expired }),
];
