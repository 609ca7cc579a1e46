import { tamperSignature } from "@certbound/testing";
import type { Parties } from "../../helpers/parties.ts";
import { accepted, type AdapterCase, refused } from "../adapter-case.ts";

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
  refused("an unbound one there", "ERR_BINDING_REQUIRED", { ...required, token: unbound }),

  accepted("a bound token when-bound", whenBound),
  accepted("an unbound token when-bound", { ...whenBound, token: unbound }, { binding: "unbound" }),
  accepted(
    "an unbound token when-bound, without a certificate",
    { ...whenBound, token: unbound, presents: "nobody" },
    { binding: "unbound" },
  ),
  refused("a stolen token when-bound", "ERR_BINDING_MISMATCH", { ...whenBound, presents: "thief" }),
  refused("a bound token when-bound, without a certificate", "ERR_CERTIFICATE_MISSING", {
    ...whenBound,
    presents: "nobody",
  }),
  refused("cnf null when-bound", "ERR_BINDING_MALFORMED", { ...whenBound, token: malformed }),
  refused("a DPoP-bound token when-bound", "ERR_BINDING_UNSUPPORTED", {
    ...whenBound,
    token: ({ token, client }) => token({ claims: { cnf: { jkt: client.thumbprint } } }),
  }),
  refused("an untyped token when-bound, which may be an ID token", "ERR_TOKEN_TYPE", {
    ...whenBound,
    token: unboundJwt,
  }),
  refused("an expired token when-bound", "ERR_TOKEN_EXPIRED", { ...whenBound, token: expired }),

  accepted("a bound token report-only", reportOnly),
  accepted(
    "a stolen token report-only",
    { ...reportOnly, presents: "thief" },
    { binding: "refused", bindingError: "ERR_BINDING_MISMATCH" },
  ),
  accepted(
    "a bound token report-only, without a certificate",
    { ...reportOnly, presents: "nobody" },
    { binding: "refused", bindingError: "ERR_CERTIFICATE_MISSING" },
  ),
  accepted(
    "an unbound token report-only",
    { ...reportOnly, token: unbound },
    { binding: "refused", bindingError: "ERR_BINDING_REQUIRED" },
  ),
  accepted(
    "cnf null report-only",
    { ...reportOnly, token: malformed },
    { binding: "refused", bindingError: "ERR_BINDING_MALFORMED" },
  ),
  refused("an untyped token report-only", "ERR_TOKEN_TYPE", { ...reportOnly, token: unboundJwt }),
  refused("a tampered token report-only", "ERR_TOKEN_SIGNATURE", { ...reportOnly, token: tampered }),
  refused("an expired token report-only", "ERR_TOKEN_EXPIRED", { ...reportOnly, token: expired }),
];
