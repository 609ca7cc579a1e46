import { Buffer } from "node:buffer";
import { X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import type { CheckServerArguments } from "../arguments/check-server-arguments.ts";
import { readAuthorities } from "../inputs/certificate-file.ts";
import { SERVER_TIMEOUT } from "../inputs/http-exchange.ts";
import { readSource } from "../inputs/text-source.ts";
import { readToken } from "../inputs/token-input.ts";
import { type Surroundings, UsageError } from "../program.ts";
import {
  attemptRenegotiation,
  exchange,
  type Outcome,
  type RenegotiationOutcome,
  type Target,
  type TlsIdentity,
} from "./exchange.ts";
import { type CheckServerReport, checkServerReport, type RequestName } from "./report.ts";

/**
 * Asks an API, by real requests, whether it lets a token through with its own certificate only.
 *
 * @throws UsageError
 */
export async function checkServer(given: CheckServerArguments, surroundings: Surroundings): Promise<CheckServerReport> {
  const { url, method } = given;
  const { text: token } = await readToken(given.token, surroundings);
  if (!/^[\x21-\x7e]+$/.test(token)) {
    throw new UsageError(
      "--token: what was read cannot stand in a header: it is empty, or has white space or line breaks in it",
    );
  }
  const identity = await identityOf(given, "--cert and --key", surroundings);
  const other =
    given.other === undefined
      ? await makeIdentity(identity)
      : await identityOf(given.other, "--other-cert and --other-key", surroundings);
  if (isSame(identity, other)) throw new UsageError("--other-cert is the same certificate as --cert");
  const ca = await readAuthorities(given.ca, surroundings);
  const target: Target = { url, method, ca };
  const outcomes = await ask(target, { token, identity, other });
  return checkServerReport(url, { outcomes, renegotiation: await renegotiate(target, { identity, outcomes }) });
}

interface Means {
  readonly token: string;
  readonly identity: TlsIdentity;
  readonly other: TlsIdentity;
}

/** One request after the other; none after one that is "unreachable". */
async function ask(target: Target, { token, identity, other }: Means): Promise<ReadonlyMap<RequestName, Outcome>> {
  const requests: readonly (readonly [RequestName, Parameters<typeof exchange>[1]])[] = [
    ["right", { identity, token }],
    ["other-certificate", { identity: other, token }],
    ["no-certificate", { token }],
    ["no-token", { identity }],
    ["damaged-signature", { identity, token: damagedToken(token) }],
  ];
  const outcomes = new Map<RequestName, Outcome>();
  for (const [name, sent] of requests) {
    const outcome = await exchange(target, sent);
    outcomes.set(name, outcome);
    if (outcome.kind === "unreachable") break;
  }
  return outcomes;
}

/**
 * Attempts a renegotiation where the API responded to every request with the given certificate: elsewhere, a connection that
 * fails shows nothing about renegotiation.
 */
async function renegotiate(
  target: Target,
  { identity, outcomes }: { readonly identity: TlsIdentity; readonly outcomes: ReadonlyMap<RequestName, Outcome> },
): Promise<RenegotiationOutcome | undefined> {
  const withIdentity = (["right", "no-token", "damaged-signature"] as const).map((name) => outcomes.get(name)?.kind);
  if (withIdentity.some((kind) => kind !== "answer")) return undefined;
  return attemptRenegotiation(target, { identity, signal: AbortSignal.timeout(SERVER_TIMEOUT) });
}

async function identityOf(
  names: { readonly certificate: string; readonly key: string },
  options: string,
  surroundings: Surroundings,
): Promise<TlsIdentity> {
  const certificate = String(await readSource(names.certificate, options, surroundings));
  const key = String(await readSource(names.key, options, surroundings));
  try {
    createSecureContext({ cert: certificate, key });
    // Does not accept everything that createSecureContext accepts, such as a TRUSTED CERTIFICATE of OpenSSL.
    void new X509Certificate(certificate);
    return { certificate, key };
  } catch {
    // What OpenSSL says may quote what it was given.
    throw new UsageError(`${options}: they must be PEM without a password, and belong together`);
  }
}

/** A certificate signed by its own key, all that a thief can make; with the same common name, if that is plain. */
async function makeIdentity({ certificate }: TlsIdentity): Promise<TlsIdentity> {
  const { generate } = await import("selfsigned");
  // Undefined if the name is empty.
  const { subject } = new X509Certificate(certificate) as { readonly subject: string | undefined };
  const [, name = "client"] = /(?:^|\n)CN=([\w. -]{1,64})(?:\n|$)/.exec(subject ?? "") ?? [];
  const made = await generate([{ name: "commonName", value: name }], {
    keyType: "ec",
    curve: "P-256",
    algorithm: "sha256",
  });
  return { certificate: made.cert, key: made.private };
}

/**
 * Changes one bit of the last part of a token, its signature; of an opaque token, of what follows its last period. Characters
 * that are not base64url are lost. An empty part stays empty.
 */
function damagedToken(token: string): string {
  const start = token.lastIndexOf(".") + 1;
  const bytes = Buffer.from(token.slice(start), "base64url");
  // The first byte: of the last ones, some encodings hold less than eight bits.
  bytes[0] = (bytes[0] ?? 0) ^ 1;
  return token.slice(0, start) + bytes.toString("base64url");
}

function isSame(one: TlsIdentity, other: TlsIdentity): boolean {
  const [{ raw }, { raw: otherRaw }] = [new X509Certificate(one.certificate), new X509Certificate(other.certificate)];
  return raw.equals(otherRaw);
}
