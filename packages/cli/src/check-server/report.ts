import { isUntrusted } from "../inputs/http-requests.ts";
import { type ExitCode, exitCodes } from "../program.ts";
import { printable } from "../rendering/printable.ts";
import type { Style, Styling } from "../rendering/styling.ts";
import type { Outcome, RenegotiationOutcome } from "./requests.ts";

/** The requests, in order. */
export type RequestName = "right" | "other-certificate" | "no-certificate" | "no-token" | "damaged-signature";

/** The checks, in order: the requests, then the renegotiation. */
export type CheckName = RequestName | "renegotiation";

/**
 * The verdict of a check.
 *
 * - `good`: the API behaves as it must.
 * - `fails-open`: the API accepts a request that it must reject.
 * - `fails-closed`: the API rejects a request that it must accept.
 * - `lesser`: the API rejects the request with the wrong response, or allows a renegotiation.
 * - `untold`: the outcome is inconclusive.
 */
export type ServerVerdict = "good" | "fails-open" | "fails-closed" | "lesser" | "untold";

/** One check and its verdict. */
export interface ServerCheck {
  readonly name: CheckName;
  readonly request: string;
  readonly expected: string;
  readonly seen: string;
  readonly verdict: ServerVerdict;
  readonly finding?: string;
}

/** The report of `certbound check-server`. */
export interface CheckServerReport {
  readonly command: "check-server";
  readonly exitCode: ExitCode;
  readonly url: string;
  readonly checks: readonly ServerCheck[];
  readonly summary: string;
}

interface Assessment {
  readonly verdict: ServerVerdict;
  readonly finding?: string;
}

const texts: Readonly<Record<RequestName, { readonly request: string; readonly expected: string }>> = {
  right: { request: "the token, with the given certificate", expected: "2xx" },
  "other-certificate": { request: "the token, with another certificate", expected: "401" },
  "no-certificate": { request: "the token, without a certificate", expected: "401, or a TLS alert" },
  "no-token": { request: "no token, with the given certificate", expected: "401 with WWW-Authenticate" },
  "damaged-signature": { request: "the token with a damaged signature, with the given certificate", expected: "401" },
};

const failOpenFindings: Readonly<Record<Exclude<RequestName, "right">, string>> = {
  "other-certificate": "a stolen token can be used with any certificate: the API does not enforce the binding",
  "no-certificate": "a stolen token can be used without a certificate: the API does not enforce the binding",
  "no-token": "the API does not require a token: is this path protected?",
  "damaged-signature": "forged tokens are accepted: the API does not verify the signature",
};

const marks: Readonly<Record<ServerCheck["verdict"], readonly [string, Style]>> = {
  good: ["✓", "good"],
  "fails-open": ["✗", "bad"],
  "fails-closed": ["✗", "bad"],
  lesser: ["!", "strong"],
  untold: ["–", "faint"],
};

const FAILS_OPEN = "FAILS OPEN";

/** The alert of a server that does not support TLS 1.2. */
const PROTOCOL_VERSION = "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION";

const renegotiationFinding =
  'during a renegotiation, a client can present a certificate without proving possession of its key: set minVersion: "TLSv1.3" or secureOptions: constants.SSL_OP_NO_RENEGOTIATION';

/** Assesses the outcomes. Requests that were not sent, and a renegotiation that was not attempted, are omitted. */
export function checkServerReport(
  url: URL,
  {
    outcomes,
    renegotiation,
  }: {
    readonly outcomes: ReadonlyMap<RequestName, Outcome>;
    readonly renegotiation: RenegotiationOutcome | undefined;
  },
): CheckServerReport {
  const requests = [...outcomes].map(([name, outcome]): ServerCheck => ({
    name,
    ...texts[name],
    seen: describeOutcome(outcome),
    ...assess(name, outcome),
  }));
  const checks = renegotiation === undefined ? requests : [...requests, renegotiationCheck(renegotiation)];
  // An inconclusive renegotiation can hide only a lesser finding, so it does not change the exit code.
  const verdicts = checks.filter((check) => !isInconclusiveRenegotiation(check)).map(({ verdict }) => verdict);
  return { command: "check-server", url: printable(url.href), checks, ...summarise(verdicts) };
}

/** Formats the report as text. */
export function checkServerText({ url, checks, summary }: CheckServerReport, style: Styling): string {
  const lines = checks.flatMap((check) => {
    const [mark, color] = marks[check.verdict];
    const warning = check.verdict === "fails-open" ? style("bad", `  *** ${FAILS_OPEN} ***`) : "";
    return [
      `${style(color, mark)} ${style("strong", check.request)}${warning}`,
      `    ${style("faint", "expected ")}${check.expected}`,
      `    ${style("faint", "seen     ")}${check.seen}`,
      ...(check.finding === undefined ? [] : [`    ${style("faint", "finding  ")}${check.finding}`]),
    ];
  });
  return `${[url, ...lines, "", summary].join("\n")}\n`;
}

function renegotiationCheck(outcome: RenegotiationOutcome): ServerCheck {
  return {
    name: "renegotiation",
    request: "a TLS 1.2 renegotiation, with the given certificate and without a token",
    expected: "rejected, or TLS 1.3 only",
    ...assessRenegotiation(outcome),
  };
}

function assessRenegotiation(outcome: RenegotiationOutcome): Assessment & Pick<ServerCheck, "seen"> {
  if (outcome.kind === "renegotiated")
    return { seen: "renegotiated", verdict: "lesser", finding: renegotiationFinding };
  const { kind, failure } = outcome;
  if (kind === "rejected") return { seen: `rejected (${failure})`, verdict: "good" };
  if (failure === PROTOCOL_VERSION) return { seen: `TLS 1.3 only (${failure})`, verdict: "good" };
  const seen = `no TLS 1.2 connection (${failure})`;
  // The server closed the handshake, so a renegotiation is impossible. Any other failure is inconclusive.
  if (/_ALERT_|^(?:ECONNRESET|EPIPE)$/.test(failure)) return { seen, verdict: "good" };
  return { seen, verdict: "untold", finding: "the renegotiation was not tested; this does not change the exit code" };
}

function isInconclusiveRenegotiation({ name, verdict }: ServerCheck): boolean {
  return name === "renegotiation" && verdict === "untold";
}

function assess(name: RequestName, outcome: Outcome): Assessment {
  if (outcome.kind === "unreachable") return { verdict: "untold", finding: unreachableFinding(outcome.failure) };
  if (name === "right") return assessRight(outcome);
  if (outcome.kind === "closed") return assessClosed(name);
  const { status, hasChallenge } = outcome;
  if (status >= 200 && status < 300) return { verdict: "fails-open", finding: failOpenFindings[name] };
  if (status === 401) {
    if (hasChallenge || name !== "no-token") return { verdict: "good" };
    return { verdict: "lesser", finding: "the 401 response has no WWW-Authenticate header (RFC 6750 section 3)" };
  }
  if (status === 400 || status === 403)
    return { verdict: "lesser", finding: "rejected, but not with 401: clients get a new token only after a 401" };
  if (status >= 500)
    return { verdict: "lesser", finding: "rejected with a server error, which no request should cause" };
  return {
    verdict: "untold",
    finding: "the response shows neither acceptance nor rejection: choose another --path or --method",
  };
}

function assessRight(outcome: Exclude<Outcome, { kind: "unreachable" }>): Assessment {
  if (outcome.kind === "closed") {
    return {
      verdict: "untold",
      finding:
        "the server rejected the certificate, or closed the connection: check whether it trusts the CA of the certificate",
    };
  }
  if (outcome.status >= 200 && outcome.status < 300) return { verdict: "good" };
  if (outcome.status === 401)
    return {
      verdict: "fails-closed",
      finding:
        "the API rejects a request that it must accept. Most likely, it does not receive the certificate: set requestCert: true on the server, or, if a proxy terminates TLS, forward the certificate and use fromProxy. If the API receives it, certbound explain shows why",
    };
  return { verdict: "untold", finding: "the other checks prove little, because this request was not accepted" };
}

/** Assesses a closed connection, which is a correct rejection only if the request had no certificate. */
function assessClosed(name: RequestName): Assessment {
  if (name === "no-certificate") return { verdict: "good", finding: "rejected by TLS" };
  const finding =
    name === "other-certificate"
      ? "TLS rejected this certificate, so the binding was not tested: pass --other-cert and --other-key with a certificate of a CA that the server trusts"
      : "the server closed the connection without a response";
  return { verdict: "untold", finding };
}

function describeOutcome(outcome: Outcome): string {
  if (outcome.kind === "response") return `${outcome.status}${outcome.hasChallenge ? " with WWW-Authenticate" : ""}`;
  return outcome.kind === "closed"
    ? `the connection was closed (${outcome.failure})`
    : `no response (${outcome.failure})`;
}

function unreachableFinding(failure: string): string {
  if (isUntrusted(failure))
    return "the server's certificate is not trusted, so no token was sent: for a private CA, use --ca FILE";
  // Codes of the HTTP parser of Node.js.
  if (failure.startsWith("HPE_")) return "the server does not respond with HTTP/1.1: check host and port";
  return "check that the API is running, and that host and port are correct";
}

function summarise(verdicts: readonly ServerVerdict[]): Pick<CheckServerReport, "exitCode" | "summary"> {
  if (verdicts.includes("fails-open"))
    return { exitCode: exitCodes.failure, summary: `${FAILS_OPEN}: the API accepts requests that it must reject` };
  if (verdicts.includes("fails-closed"))
    return { exitCode: exitCodes.failure, summary: "the API rejects the valid token with its certificate" };
  if (verdicts.includes("untold")) return { exitCode: exitCodes.noResult, summary: "some checks were inconclusive" };
  const lesser = verdicts.includes("lesser") ? ", with lesser findings" : "";
  return { exitCode: exitCodes.success, summary: `the API rejects what it must reject${lesser}` };
}
