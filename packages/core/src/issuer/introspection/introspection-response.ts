import { decodeJwt, decodeProtectedHeader } from "jose";
import { type AuthorizationServer, type Client, processIntrospectionResponse } from "oauth4webapi";
import { AccessTokenError } from "../../errors.ts";
import type { VerifierConfiguration } from "../../options/configuration.ts";
import { currentTime } from "../../runtime/clock.ts";
import { deepFreeze, type JsonObject } from "../../values/json-object.ts";
import { withoutPrototype } from "../../values/object-member.ts";
import { IssuerRequestError } from "../issuer-request.ts";
import type { KeySource } from "../keys/key-source.ts";
import { verifySignature } from "../signature.ts";

/** What the response of an introspection endpoint is judged by. */
export interface ResponseRules {
  readonly server: AuthorizationServer;
  readonly client: Client;
  /** Verify a signed response. */
  readonly keys: KeySource;
  /** The configured audiences of the issuer, for which a response may be signed. */
  readonly audience: readonly string[] | null;
  readonly requiresSignature: boolean;
  readonly verifier: Pick<VerifierConfiguration, "clock" | "clockTolerance">;
}

const SIGNED = "application/token-introspection+jwt";

/** How old a signed response may be, in seconds. */
const MAX_AGE = 300;

/**
 * Reads an introspection response with status 200: JSON (RFC 7662 section 2.2), or signed (RFC 9701 section 5). Members with
 * null count as absent.
 *
 * The claims are not checked, except `active`.
 *
 * @throws IssuerRequestError
 */
export async function readIntrospectionResponse(response: Response, rules: ResponseRules): Promise<JsonObject> {
  const type = response.headers.get("content-type")?.split(";").at(0)?.trim().toLowerCase();
  if (type === SIGNED) return readSigned(await response.text(), rules);
  if (rules.requiresSignature) throw new IssuerRequestError("the answer is not signed, and signedResponse is set");
  return read(response, rules);
}

/** Reads a signed response, once its signature was verified with the keys of the issuer. */
async function readSigned(jwt: string, rules: ResponseRules): Promise<JsonObject> {
  const { keys, client, verifier } = rules;
  try {
    const { alg: algorithm = "", kid: keyId } = withoutPrototype(decodeProtectedHeader(jwt));
    await verifySignature({ token: jwt, algorithm }, await keys.find({ algorithm, keyId }));
  } catch (error) {
    const noKeys = error instanceof AccessTokenError && error.code === "ERR_KEYS_UNAVAILABLE";
    throw new IssuerRequestError(noKeys ? String(error.detail) : "its answer is not signed by its keys");
  }
  const { aud, iat } = ownMembers(jwt);
  const now = currentTime(verifier.clock);
  if (typeof iat !== "number" || iat > now + verifier.clockTolerance || iat < now - MAX_AGE) {
    throw new IssuerRequestError(
      `the iat of its signed response is not within the last ${MAX_AGE} s: do the clocks agree?`,
    );
  }
  // oauth4webapi accepts a response for the client only, and compares the type letter by letter.
  const recipient = { ...client, client_id: recipientOf(aud, rules) };
  const response = new Response(jwt, withoutPrototype({ headers: { "content-type": SIGNED } }));
  return read(response, { ...rules, client: withoutPrototype(recipient) });
}

/** Finds whom the response is for: one of the configured audiences, or the client. */
function recipientOf(aud: unknown, { client, audience }: ResponseRules): string {
  const recipients: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  return audience?.find((name) => recipients.includes(name)) ?? client.client_id;
}

async function read(response: Response, { server, client }: ResponseRules): Promise<JsonObject> {
  try {
    const introspected = await processIntrospectionResponse(server, client, response);
    requireOwn(introspected, ["active"]);
    return deepFreeze(withoutNulls(introspected));
  } catch {
    throw malformed();
  }
}

function malformed(): IssuerRequestError {
  return new IssuerRequestError("the answer is no introspection response (RFC 7662 section 2.2, RFC 9701 section 5)");
}

/** Members that decide about the token, in which null is a malformed value. */
const keepsNull: ReadonlySet<string> = new Set(["active", "aud", "cnf"]);

/** Leaves out the members with null: some servers write it where a member has no value. */
function withoutNulls(response: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(response).filter(([name, value]) => value !== null || keepsNull.has(name)));
}

/**
 * Reads the claims of a signed response, which must have the members that oauth4webapi checks: it would also find those that
 * are inherited.
 */
function ownMembers(jwt: string): JsonObject {
  try {
    requireOwn(decodeProtectedHeader(jwt), ["typ"]);
    const claims = decodeJwt(jwt);
    requireOwn(claims, ["iss", "aud", "iat", "token_introspection"]);
    return claims;
  } catch {
    throw malformed();
  }
}

function requireOwn(object: object, names: readonly string[]): void {
  if (!names.every((name) => Object.hasOwn(object, name))) throw new TypeError("a member is missing");
}
