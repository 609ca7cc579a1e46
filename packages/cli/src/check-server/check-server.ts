import { Buffer } from "node:buffer";
import { X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import type { CheckServerArguments } from "../arguments/check-server-arguments.ts";
import { readCaCertificates } from "../inputs/certificate-file.ts";
import { SERVER_TIMEOUT } from "../inputs/http-requests.ts";
import { readSource } from "../inputs/text-source.ts";
import { readToken } from "../inputs/token-input.ts";
import { type Surroundings, UsageError } from "../program.ts";
import {
  attemptRenegotiation,
  type Outcome,
  type RenegotiationOutcome,
  sendRequest,
  type Target,
  type TlsIdentity,
} from "./requests.ts";
import { type CheckServerReport, checkServerReport, type RequestName } from "./report.ts";

/**
 * Tests with real requests whether an API accepts a token only with the certificate that it is bound to.
 *
 * @throws UsageError
 */
export async function checkServer(given: CheckServerArguments, surroundings: Surroundings): Promise<CheckServerReport> {
  const { url, method } = given;
  const { text: token } = await readToken(given.token, surroundings);
  if (!/^[\x21-\x7e]+$/.test(token)) {
    throw new UsageError(
      "--token: the input cannot be sent in a header: it is empty, or contains white space, line breaks or non-ASCII characters",
    );
  }
  const identity = await readIdentity(given, "--cert and --key", surroundings);
  const other =
    given.other === undefined
      ? await generateIdentity(identity)
      : await readIdentity(given.other, "--other-cert and --other-key", surroundings);
  if (isSameCertificate(identity, other)) throw new UsageError("--other-cert is the same certificate as --cert");
  const ca = await readCaCertificates(given.ca, surroundings);
  const target: Target = { url, method, ca };
  const outcomes = await sendRequests(target, { token, identity, other });
  return checkServerReport(url, { outcomes, renegotiation: await renegotiate(target, { identity, outcomes }) });
}

interface Credentials {
  readonly token: string;
  readonly identity: TlsIdentity;
  readonly other: TlsIdentity;
}

/** Sends the requests in order, and stops after one whose outcome is "unreachable". */
async function sendRequests(
  target: Target,
  { token, identity, other }: Credentials,
): Promise<ReadonlyMap<RequestName, Outcome>> {
  const requests: readonly (readonly [RequestName, Parameters<typeof sendRequest>[1]])[] = [
    ["right", { identity, token }],
    ["other-certificate", { identity: other, token }],
    ["no-certificate", { token }],
    ["no-token", { identity }],
    ["damaged-signature", { identity, token: damagedToken(token) }],
  ];
  const outcomes = new Map<RequestName, Outcome>();
  for (const [name, sent] of requests) {
    const outcome = await sendRequest(target, sent);
    outcomes.set(name, outcome);
    if (outcome.kind === "unreachable") break;
  }
  return outcomes;
}

/**
 * Attempts a renegotiation, but only if the API responded to every request with the given certificate. Otherwise a failed
 * connection proves nothing about renegotiation.
 */
async function renegotiate(
  target: Target,
  { identity, outcomes }: { readonly identity: TlsIdentity; readonly outcomes: ReadonlyMap<RequestName, Outcome> },
): Promise<RenegotiationOutcome | undefined> {
  const withIdentity = (["right", "no-token", "damaged-signature"] as const).map((name) => outcomes.get(name)?.kind);
  if (withIdentity.some((kind) => kind !== "response")) return undefined;
  return attemptRenegotiation(target, { identity, signal: AbortSignal.timeout(SERVER_TIMEOUT) });
}

async function readIdentity(
  names: { readonly certificate: string; readonly key: string },
  options: string,
  surroundings: Surroundings,
): Promise<TlsIdentity> {
  const certificate = String(await readSource(names.certificate, options, surroundings));
  const key = String(await readSource(names.key, options, surroundings));
  try {
    createSecureContext({ cert: certificate, key });
    // Rejects OpenSSL's TRUSTED CERTIFICATE format, which createSecureContext accepts.
    void new X509Certificate(certificate);
    return { certificate, key };
  } catch {
    // Does not repeat the error of OpenSSL, because it may quote the input.
    throw new UsageError(`${options} must be PEM without a password, and the key must match the certificate`);
  }
}

/**
 * Generates a self-signed certificate, as an attacker could. Copies the common name of the given certificate if it consists of
 * letters, digits, spaces and `_.-`.
 */
async function generateIdentity({ certificate }: TlsIdentity): Promise<TlsIdentity> {
  const { generate } = await import("selfsigned");
  // Undefined if the subject is empty.
  const { subject } = new X509Certificate(certificate) as { readonly subject: string | undefined };
  const [, name = "client"] = /(?:^|\n)CN=([\w. -]{1,64})(?:\n|$)/.exec(subject ?? "") ?? [];
  const generated = await generate([{ name: "commonName", value: name }], {
    keyType: "ec",
    curve: "P-256",
    algorithm: "sha256",
  });
  return { certificate: generated.cert, key: generated.private };
}

/**
 * Changes one bit after the last period of a token, which in a JWT is part of the signature. Drops characters that are not
 * base64url.
 */
function damagedToken(token: string): string {
  const start = token.lastIndexOf(".") + 1;
  const bytes = Buffer.from(token.slice(start), "base64url");
  // Changes the first byte, because a bit of the last character may be unused.
  bytes[0] = (bytes[0] ?? 0) ^ 1;
  return token.slice(0, start) + bytes.toString("base64url");
}

function isSameCertificate(one: TlsIdentity, other: TlsIdentity): boolean {
  const [{ raw }, { raw: otherRaw }] = [new X509Certificate(one.certificate), new X509Certificate(other.certificate)];
  return raw.equals(otherRaw);
}
