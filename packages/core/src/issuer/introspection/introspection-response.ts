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

/** How an introspection response is verified. */
export interface ResponseRules {
  readonly server: AuthorizationServer;
  readonly client: Client;
  /** Verifies signed responses. */
  readonly keys: KeySource;
  /** The configured audiences. A signed response may have one of them as `aud`, instead of the `client_id`. */
  readonly audience: readonly string[] | null;
  readonly requiresSignature: boolean;
  readonly verifier: Pick<VerifierConfiguration, "clock" | "clockTolerance">;
}

const SIGNED = "application/token-introspection+jwt";

/** The maximum age of a signed response, in seconds. */
const MAX_AGE = 300;

/**
 * Reads an introspection response with status 200, as JSON (RFC 7662 section 2.2) or signed (RFC 9701 section 5).
 *
 * Removes members that are null, except those in which null is malformed. Checks that `active` is a boolean; does not check
 * the other members.
 *
 * @throws IssuerRequestError
 */
export async function readIntrospectionResponse(response: Response, rules: ResponseRules): Promise<JsonObject> {
  const type = response.headers.get("content-type")?.split(";").at(0)?.trim().toLowerCase();
  if (type === SIGNED) return readSigned(await response.text(), rules);
  if (rules.requiresSignature) throw new IssuerRequestError("the response is not signed, but signedResponse is set");
  return read(response, rules);
}

/** Verifies the signature of a signed response with the keys of the issuer, and reads the response. */
async function readSigned(jwt: string, rules: ResponseRules): Promise<JsonObject> {
  const { keys, client, verifier } = rules;
  try {
    const { alg: algorithm = "", kid: keyId } = withoutPrototype(decodeProtectedHeader(jwt));
    await verifySignature({ token: jwt, algorithm }, await keys.find({ algorithm, keyId }));
  } catch (error) {
    const noKeys = error instanceof AccessTokenError && error.code === "ERR_KEYS_UNAVAILABLE";
    throw new IssuerRequestError(noKeys ? String(error.detail) : "the response is not signed with a key of the issuer");
  }
  const { aud, iat } = ownMembers(jwt);
  const now = currentTime(verifier.clock);
  if (typeof iat !== "number" || iat > now + verifier.clockTolerance || iat < now - MAX_AGE) {
    throw new IssuerRequestError(
      `the iat of the signed response is not within the last ${MAX_AGE} s (do the clocks differ?)`,
    );
  }
  // oauth4webapi requires the aud to be the client_id, and compares the content type case-sensitively.
  const recipient = { ...client, client_id: recipientOf(aud, rules) };
  const response = new Response(jwt, withoutPrototype({ headers: { "content-type": SIGNED } }));
  return read(response, { ...rules, client: withoutPrototype(recipient) });
}

/** Returns the `aud` to require: a configured audience if the response contains one, otherwise the `client_id`. */
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
  return new IssuerRequestError(
    "the response is not an introspection response (RFC 7662 section 2.2, RFC 9701 section 5)",
  );
}

/** The members in which null is malformed, because they decide whether the token is accepted. */
const keepsNull: ReadonlySet<string> = new Set(["active", "aud", "cnf"]);

/** Removes members that are null, which some servers send instead of omitting them. */
function withoutNulls(response: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(response).filter(([name, value]) => value !== null || keepsNull.has(name)));
}

/**
 * Returns the claims of a signed response. The members that oauth4webapi checks must be own members, because oauth4webapi
 * also accepts inherited members.
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
