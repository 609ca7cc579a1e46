import { profiles } from "@certbound/core/internal";
import { formatNames } from "../inputs/proxy-formats.ts";

const exitCodes = `Exit codes:
  0  accepted, good
  1  rejected, bad
  2  wrong usage
  3  could not be told: the issuer or the API was not reached, its answer says nothing, the output could not be
     written, or an internal error`;

const common = `  --json                    one JSON object instead of text
  -h, --help                this text`;

/** What there is help about: the program, and each command. */
export type Topic = "general" | "explain" | "thumbprint" | "check-server";

/** What each command takes. */
export const usages: Readonly<Record<Topic, string>> = {
  general: `Usage: certbound COMMAND [OPTIONS]

  certbound explain         says why an access token is accepted or rejected, step by step
  certbound thumbprint      prints the x5t#S256 of certificates
  certbound check-server    asks an API whether it rejects what it has to reject

  certbound COMMAND --help  the options of a command
  certbound --version

${exitCodes}
`,
  explain: `Usage: certbound explain --token FILE|- --issuer URL --audience ID
                         (--cert FILE | --header 'NAME: VALUE' | --no-certificate)

Verifies a token and its binding to a client certificate as @certbound/core does, and shows every step of it. What is
rejected is then left out of the configuration, and the rest verified again, so that all faults are shown at once.

The token:
  --token FILE|-            a file, or - for standard input; never the token itself

The API's configuration; CERTBOUND_ISSUER, CERTBOUND_AUDIENCE and CERTBOUND_JWKS_URI count where neither --issuer nor
--jwks is given:
  --issuer URL              the issuer identifier
  --audience ID             an identifier of the API; repeatable
  --no-audience             skips the check of the audience
  --jwks FILE|URL           the issuer's keys; by default they are found by discovery
  --profile NAME            ${Object.keys(profiles).join(" or ")}
  --algorithm ALG           repeatable
  --token-type TYP          repeatable; none for a token without typ
  --clock-tolerance SECONDS
  --max-token-age SECONDS
  --scope SCOPE             what the route asks for; repeatable
  --at TIME                 judges as of a time: 2026-05-04T12:00:00Z, or seconds since 1970
  --ca FILE                 authorities to trust when the issuer is asked, instead of Node's (PEM); repeatable. In the
                            API it is NODE_EXTRA_CA_CERTS, or the option fetch

What the client presents:
  --cert FILE               its certificate, PEM or DER; of a chain, the first
  --header 'NAME: VALUE'    a header that a proxy sent: the certificate, and how it was verified; repeatable
  --format NAME             how the proxy writes it; guessed where it is not given:
                            ${wrapped(formatNames, 28)}
  --format-options JSON     the options of the format, such as '{"verify":"presented"}'
  --no-certificate          nothing
  --also FILE               another certificate that the token may be bound to: an old one, a proxy's; repeatable

${common}

${exitCodes}
`,
  thumbprint: `Usage: certbound thumbprint FILE|-|HOST:PORT [--all]

Prints the x5t#S256 thumbprint (RFC 8705 section 3.1), subject and validity of every certificate, the leaf first: of a
PEM or DER file, of standard input, or of the TLS server at an address. That is the server's own certificate, not a
client's. Nothing is verified about it.

  --all                     in hexadecimal as well, with and without colons
${common}

${exitCodes}
`,
  "check-server": `Usage: certbound check-server URL --token FILE|- --cert FILE --key FILE

Makes five requests: the token with its certificate, with another one, with none, no token, and a damaged signature. An
API that lets through more than the first one fails open. The token is sent to the server, after its certificate was
verified. Then it attempts a TLS 1.2 renegotiation on a connection without a token: a server should reject it.

  --token FILE|-            a token that the API accepts; never the token itself
  --cert FILE, --key FILE   the certificate that the token is bound to, and its key (PEM)
  --other-cert FILE, --other-key FILE
                            another certificate; by default one is made, self-signed and with the same name. For a
                            server that lets in certificates of its own authority only, give another one of that
  --ca FILE                 authorities to trust, instead of Node's, for the server's certificate (PEM); repeatable
  --method METHOD           GET by default
  --path PATH               instead of the path of the URL
${common}

${exitCodes}
`,
};

function wrapped(names: readonly string[], indent: number): string {
  const lines = names.reduce<readonly string[]>((before, name) => {
    const line = before.at(-1);
    if (line === undefined) return [name];
    const longer = `${line}, ${name}`;
    return longer.length > 90 ? [...before.slice(0, -1), `${line},`, name] : [...before.slice(0, -1), longer];
  }, []);
  return lines.join(`\n${" ".repeat(indent)}`);
}
