import { isUntrusted } from "../inputs/http-exchange.ts";
import { type ExitCode, exitCodes } from "../program.ts";
import { printable } from "../rendering/printable.ts";
import type { Style, Styling } from "../rendering/styling.ts";
import type { Outcome, RenegotiationOutcome } from "./exchange.ts";

/** The requests that are made, in order. */
export type RequestName = "right" | "other-certificate" | "no-certificate" | "no-token" | "damaged-signature";

/** The checks, in order: the requests, then the attempt to renegotiate. */
export type CheckName = RequestName | "renegotiation";

/**
 * What an outcome means. `fails-open`: let through what has to be rejected; `fails-closed`: rejected what has to be let
 * through; `lesser`: rejected, in a way that it should not be, or a renegotiation was allowed; `untold`: it says nothing.
 */
export type ServerVerdict = "good" | "fails-open" | "fails-closed" | "lesser" | "untold";

/** One request, and what is to be made of it. */
export interface ServerCheck {
  readonly name: CheckName;
  readonly request: string;
  readonly expected: string;
  readonly seen: string;
  readonly verdict: ServerVerdict;
  readonly finding?: string;
}

/** What `certbound check-server` found. */
export interface CheckServerReport {
  readonly command: "check-server";
  readonly exitCode: ExitCode;
  readonly url: string;
  readonly checks: readonly ServerCheck[];
  readonly summary: string;
}

interface Judgement {
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

const openings: Readonly<Record<Exclude<RequestName, "right">, string>> = {
  "other-certificate": "whoever has stolen a token can use it: the binding is not enforced",
  "no-certificate": "whoever has stolen a token can use it without any certificate",
  "no-token": "no token is needed: is this path protected at all?",
  "damaged-signature": "anybody can write tokens: the signature is not verified",
};

const marks: Readonly<Record<ServerCheck["verdict"], readonly [string, Style]>> = {
  good: ["✓", "good"],
  "fails-open": ["✗", "bad"],
  "fails-closed": ["✗", "bad"],
  lesser: ["!", "strong"],
  untold: ["–", "faint"],
};

const LARGE = "FAILS OPEN";

/** The alert of a server that does not support TLS 1.2. */
const PROTOCOL_VERSION = "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION";

const renegotiated =
  'in a renegotiation a client can present a certificate whose key it has not proven: set minVersion: "TLSv1.3" or secureOptions: constants.SSL_OP_NO_RENEGOTIATION';

/** Says what the outcomes mean; none is given where nothing was asked any more. */
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
    seen: seenIn(outcome),
    ...judged(name, outcome),
  }));
  const checks = renegotiation === undefined ? requests : [...requests, renegotiationCheck(renegotiation)];
  // What could not be told of the renegotiation hides a lesser finding at most: the exit code is that of the requests.
  const verdicts = checks.filter((check) => !isUntoldRenegotiation(check)).map(({ verdict }) => verdict);
  return { command: "check-server", url: printable(url.href), checks, ...summed(verdicts) };
}

/** Writes what the API did for people. */
export function checkServerText({ url, checks, summary }: CheckServerReport, style: Styling): string {
  const lines = checks.flatMap((check) => {
    const [mark, color] = marks[check.verdict];
    const large = check.verdict === "fails-open" ? style("bad", `  *** ${LARGE} ***`) : "";
    return [
      `${style(color, mark)} ${style("strong", check.request)}${large}`,
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
    ...judgedRenegotiation(outcome),
  };
}

function judgedRenegotiation(outcome: RenegotiationOutcome): Judgement & Pick<ServerCheck, "seen"> {
  if (outcome.kind === "renegotiated") return { seen: "renegotiated", verdict: "lesser", finding: renegotiated };
  const { kind, failure } = outcome;
  if (kind === "rejected") return { seen: `rejected (${failure})`, verdict: "good" };
  if (failure === PROTOCOL_VERSION) return { seen: `TLS 1.3 only (${failure})`, verdict: "good" };
  const seen = `no TLS 1.2 connection (${failure})`;
  // The server ended the handshake, so that there is nothing to renegotiate. Anything else is an error on this side.
  if (/_ALERT_|^(?:ECONNRESET|EPIPE)$/.test(failure)) return { seen, verdict: "good" };
  return { seen, verdict: "untold", finding: "the renegotiation was not tested; this does not change the exit code" };
}

function isUntoldRenegotiation({ name, verdict }: ServerCheck): boolean {
  return name === "renegotiation" && verdict === "untold";
}

function judged(name: RequestName, outcome: Outcome): Judgement {
  if (outcome.kind === "unreachable") return { verdict: "untold", finding: unreachable(outcome.failure) };
  if (name === "right") return judgedRight(outcome);
  if (outcome.kind === "closed") return judgedClosed(name);
  const { status, hasChallenge } = outcome;
  if (status >= 200 && status < 300) return { verdict: "fails-open", finding: openings[name] };
  if (status === 401) {
    if (hasChallenge || name !== "no-token") return { verdict: "good" };
    return { verdict: "lesser", finding: "401 without WWW-Authenticate (RFC 6750 section 3)" };
  }
  if (status === 400 || status === 403)
    return { verdict: "lesser", finding: "rejected, and 401 would say why: clients get a new token for it" };
  if (status >= 500)
    return { verdict: "lesser", finding: "rejected by an error of the API: what a client sends must not cause one" };
  return { verdict: "untold", finding: "neither let through nor rejected for it: choose another --path or --method" };
}

function judgedRight(outcome: Exclude<Outcome, { kind: "unreachable" }>): Judgement {
  if (outcome.kind === "closed") {
    return {
      verdict: "untold",
      finding:
        "the server does not accept the certificate, or ended the connection: is it of an authority that it knows?",
    };
  }
  if (outcome.status >= 200 && outcome.status < 300) return { verdict: "good" };
  if (outcome.status === 401)
    return { verdict: "fails-closed", finding: "what has to be let through is rejected: certbound explain says why" };
  return { verdict: "untold", finding: "the other requests prove little without one that is let through" };
}

/** Without a certificate it is an answer; of another one it is not known what the API would have done. */
function judgedClosed(name: RequestName): Judgement {
  if (name === "no-certificate") return { verdict: "good", finding: "rejected by TLS already" };
  const finding =
    name === "other-certificate"
      ? "TLS does not accept this certificate: the binding itself was not tested. Give another one of an authority that the server knows: --other-cert, --other-key"
      : "the connection was ended without an answer";
  return { verdict: "untold", finding };
}

function seenIn(outcome: Outcome): string {
  if (outcome.kind === "answer") return `${outcome.status}${outcome.hasChallenge ? " with WWW-Authenticate" : ""}`;
  return outcome.kind === "closed"
    ? `the connection was closed (${outcome.failure})`
    : `no connection (${outcome.failure})`;
}

function unreachable(failure: string): string {
  if (isUntrusted(failure)) return "the server's certificate is not trusted, and it got no token: --ca FILE";
  // The code of Node.js's HTTP parser.
  if (failure.startsWith("HPE_"))
    return "the server does not respond with HTTP/1.1: see whether host and port are right";
  return "see whether the API runs, and whether host and port are right";
}

function summed(verdicts: readonly ServerVerdict[]): Pick<CheckServerReport, "exitCode" | "summary"> {
  if (verdicts.includes("fails-open"))
    return { exitCode: exitCodes.failure, summary: "FAILS OPEN: it lets through what it has to reject" };
  if (verdicts.includes("fails-closed"))
    return { exitCode: exitCodes.failure, summary: "it rejects the right certificate and token" };
  if (verdicts.includes("untold")) return { exitCode: exitCodes.noResult, summary: "not everything could be tested" };
  const lesser = verdicts.includes("lesser") ? ", with lesser findings" : "";
  return { exitCode: exitCodes.success, summary: `it rejects what it has to reject${lesser}` };
}
