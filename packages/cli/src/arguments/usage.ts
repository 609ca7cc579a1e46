import { profiles } from "@certbound/core/internal";
import { codeExplanations } from "../causes/code-explanations.ts";
import { formatNames } from "../inputs/proxy-formats.ts";

const exitCodes = `Exit codes:
  0  success: the token is accepted, the API passes, or the certificates are printed
  1  failure: the token is rejected, the API fails, or the file contains no certificate
  2  usage error: an option or a file cannot be used
  3  no result: a server cannot be reached, its response is inconclusive, the output cannot be written, or an
     internal error occurs`;

const common = `  --json                    prints one JSON object instead of text
  -h, --help                prints this text`;

/** The topics of the help: the program, and each command. */
export type Topic = "general" | "explain" | "thumbprint" | "check-server";

/** The help text of each topic. */
export const usages: Readonly<Record<Topic, string>> = {
  general: `Usage: certbound COMMAND [OPTIONS]

  certbound explain         shows step by step why an access token is accepted or rejected, or what an error code means
  certbound thumbprint      prints the x5t#S256 thumbprint of certificates
  certbound check-server    tests whether an API rejects stolen and forged tokens

  certbound COMMAND --help  prints the options of a command
  certbound --version       prints the version

${exitCodes}
`,
  explain: `Usage: certbound explain --token FILE|- --issuer URL --audience ID
                         (--cert FILE | --header 'NAME: VALUE' | --no-certificate)
       certbound explain CODE

Verifies a token and its binding to a client certificate with @certbound/core, and shows every step. After a rejection,
it disables the check that failed and verifies again, so that one run also shows later errors.
With an error code, such as ERR_BINDING_MISMATCH, prints its cause and fix.

The token:
  --token FILE|-            a file, or - for standard input; never the token itself

The configuration of the API. If neither --issuer nor --jwks is given, CERTBOUND_ISSUER, CERTBOUND_AUDIENCE and
CERTBOUND_JWKS_URI are used:
  --issuer URL              the issuer identifier
  --audience ID             an identifier of the API; repeatable
  --no-audience             skips the audience check
  --jwks FILE|URL           the issuer's keys; found by discovery if omitted
  --profile NAME            ${Object.keys(profiles).join(" or ")}
  --algorithm ALG           repeatable
  --token-type TYP          repeatable; "none" accepts a token without typ
  --clock-tolerance SECONDS
  --max-token-age SECONDS
  --scope SCOPE             a scope that the route requires; repeatable
  --at TIME                 verifies as of this time: 2026-05-04T12:00:00Z, or seconds since 1970
  --ca FILE                 CA certificates (PEM) to trust in requests to the issuer, instead of those that
                            Node.js trusts; repeatable. In the API, use NODE_EXTRA_CA_CERTS or the option fetch

What the client presents:
  --cert FILE               its certificate (PEM or DER); the first one if the file contains a chain
  --header 'NAME: VALUE'    a header that a proxy sent: the certificate, or the verification result; repeatable
  --format NAME             the format of the proxy's headers; guessed if omitted:
                            ${wrapped(formatNames, 28)}
  --format-options JSON     the options of the format, such as '{"verify":"presented"}'
  --no-certificate          no certificate
  --also FILE               another certificate that the token may be bound to, such as the previous one or a proxy's;
                            repeatable

The error codes:
  ${wrapped(Object.keys(codeExplanations), 2)}

${common}

${exitCodes}
`,
  thumbprint: `Usage: certbound thumbprint FILE|-|HOST:PORT [--all]

Prints the x5t#S256 thumbprint (RFC 8705 section 3.1), subject and validity of every certificate, the leaf first. Reads
a PEM or DER file, standard input, or the server certificates (not client certificates) of the TLS server at HOST:PORT.
Does not verify the certificates.

  --all                     also prints the thumbprint in hexadecimal, with and without colons
${common}

${exitCodes}
`,
  "check-server": `Usage: certbound check-server URL --token FILE|- --cert FILE --key FILE

Sends five requests: the token with its certificate, with another certificate, and without a certificate; no token; and
the token with a damaged signature. If the API accepts any request but the first, it fails open. Sends the token only
after it has verified the server's certificate. Then attempts a TLS 1.2 renegotiation, which a server should reject, on
a separate connection without a token.

  --token FILE|-            a file with a token that the API accepts, or - for standard input; never the token itself
  --cert FILE, --key FILE   the certificate that the token is bound to, and its key (PEM)
  --other-cert FILE, --other-key FILE
                            another certificate and its key; by default, a self-signed certificate with the same name
                            is generated. If the server accepts only certificates of certain CAs, one of these CAs
                            must have issued it
  --ca FILE                 CA certificates (PEM) to trust for the server, instead of those that Node.js trusts;
                            repeatable
  --method METHOD           the HTTP method; default GET
  --path PATH               replaces the path of the URL
${common}

${exitCodes}
`,
};

function wrapped(names: readonly string[], indent: number): string {
  const wrappedLines = names.reduce<readonly string[]>((lines, name) => {
    const line = lines.at(-1);
    if (line === undefined) return [name];
    const longer = `${line}, ${name}`;
    return longer.length > 90 ? [...lines.slice(0, -1), `${line},`, name] : [...lines.slice(0, -1), longer];
  }, []);
  return wrappedLines.join(`\n${" ".repeat(indent)}`);
}
