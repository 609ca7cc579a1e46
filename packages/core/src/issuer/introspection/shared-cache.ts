import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import { compactDecrypt, CompactEncrypt } from "jose";
import { publishIntrospection } from "../../events/diagnostics.ts";
import type { IntrospectionCache } from "../../options/introspection-configuration.ts";
import { IssuerRequestError } from "../issuer-request.ts";
import { isJsonObject, type JsonObject, ownMember } from "../../values/json-object.ts";
import { withoutPrototype } from "../../values/object-member.ts";
import { withTimeout } from "../../runtime/promises.ts";
import type { IntrospectionResult } from "./response-cache.ts";

/**
 * The inputs on which an introspection response depends. The name and the encryption key of a cache entry depend on all of
 * them.
 *
 * Another endpoint of the same issuer (another tenant, another environment) may respond differently. The response can differ
 * for each client (RFC 7662 section 2.2). A process that requires signed responses (RFC 9701) must not accept a response that
 * another process received without a signature.
 *
 * How a response was verified (keys, algorithms, TLS) is not included: every process that has the secret is trusted to verify
 * responses.
 */
export interface IntrospectionSubject {
  readonly issuer: string;
  readonly endpoint: string;
  readonly clientId: string;
  /** Whether a signed response was required. */
  readonly signedResponse: boolean;
  readonly token: string;
}

/** A cache that several processes share. A store that fails or times out is treated as empty. */
export interface SharedCache {
  /** @throws IssuerRequestError if 64 reads are in flight */
  read(subject: IntrospectionSubject): Promise<IntrospectionResult | undefined>;
  /**
   * Never rejects; callers need not await it.
   *
   * @param timeToLive milliseconds
   */
  write(subject: IntrospectionSubject, result: IntrospectionResult, timeToLive: number): Promise<void>;
}

/** The format of names and values. It is part of the name, so that entries in other formats are not found. */
const FORMAT = "certbound introspection 2";
/** The time limit of an operation of the store, in milliseconds. */
const STORE_TIMEOUT = 250;
/** How long the store is not used after a failure, in milliseconds. */
const PAUSE = 5000;
/** The maximum number of simultaneous reads. */
const MAX_READS = 64;
/** The maximum length of a value, in characters. */
const MAX_VALUE = 128 * 1024;

/**
 * Creates a cache of introspection responses in a store that need not be trusted.
 *
 * The name of an entry is an HMAC-SHA-256 over its {@link IntrospectionSubject}. Its value is encrypted (AES-256-GCM) with a
 * key that is derived from the subject in the same way. Without the secret, a writer can neither create a response nor move
 * one to another token, and a reader does not learn tokens or claims.
 *
 * At most 64 reads are in flight, so that a flood of unknown tokens does not become a flood of reads. A read no longer
 * counts after its timeout, even if the store never settles it: the store can therefore have 64 abandoned reads, and 64 more
 * after each pause. To limit abandoned reads, the store needs a timeout.
 *
 * @param elapsed a monotonic clock in milliseconds
 */
export function createSharedCache(
  { store, key: secret }: { readonly store: IntrospectionCache; readonly key: string },
  elapsed: () => number = () => performance.now(),
): SharedCache {
  let pausedUntil = Number.NEGATIVE_INFINITY;
  let reads = 0;
  const isPaused = (): boolean => elapsed() < pausedUntil;

  const attempt = async <Result>(issuer: string, operation: () => Promise<Result>): Promise<Result | undefined> => {
    if (isPaused()) return undefined;
    try {
      return await withTimeout(operation(), STORE_TIMEOUT, "late");
    } catch {
      pausedUntil = elapsed() + PAUSE;
      const detail = `the shared cache failed or took longer than ${STORE_TIMEOUT} ms; it will not be used for the next ${PAUSE} ms`;
      publishIntrospection(issuer, { outcome: "cache-unavailable", detail });
      return undefined;
    }
  };

  const get = async (subject: IntrospectionSubject): Promise<unknown> => {
    if (isPaused()) return undefined;
    if (reads >= MAX_READS) throw new IssuerRequestError(`${MAX_READS} reads of the shared cache are in flight`);
    reads += 1;
    try {
      return await attempt(subject.issuer, async () => store.get(entryName(subject, secret)));
    } finally {
      reads -= 1;
    }
  };

  return {
    async read(subject) {
      const value = await get(subject);
      if (value === undefined || value === null) return undefined;
      const result = await open(value, derive("value", subject, secret));
      if (result === undefined) {
        const detail = "an entry of the shared cache is not authentic (changed, or written with another cacheKey?)";
        publishIntrospection(subject.issuer, { outcome: "cache-refused", detail });
      }
      return result;
    },
    async write(subject, result, timeToLive) {
      if (isPaused()) return;
      // A response that is nested too deeply to be serialized is not cached.
      const value = await seal(result, derive("value", subject, secret)).catch(() => undefined);
      if (value === undefined || value.length > MAX_VALUE) return;
      await attempt(subject.issuer, async () => {
        // Keyv does not throw if its store fails, but resolves with false.
        if ((await store.set(entryName(subject, secret), value, timeToLive)) === false) throw new Error("not written");
      });
    },
  };
}

function entryName(subject: IntrospectionSubject, secret: string): string {
  return `certbound:introspection:${derive("name", subject, secret).toString("base64url")}`;
}

function derive(purpose: "name" | "value", subject: IntrospectionSubject, secret: string): Buffer {
  const { issuer, endpoint, clientId, signedResponse, token } = subject;
  return createHmac("sha256", secret)
    .update(JSON.stringify([FORMAT, purpose, issuer, endpoint, clientId, signedResponse, token]))
    .digest();
}

async function seal(result: IntrospectionResult, key: Uint8Array): Promise<string> {
  const plaintext = Buffer.from(JSON.stringify(result));
  return new CompactEncrypt(plaintext)
    .setProtectedHeader(withoutPrototype({ alg: "dir", enc: "A256GCM" }))
    .encrypt(key);
}

async function open(value: unknown, key: Uint8Array): Promise<IntrospectionResult | undefined> {
  if (typeof value !== "string" || value.length > MAX_VALUE) return undefined;
  try {
    const algorithms = { keyManagementAlgorithms: ["dir"], contentEncryptionAlgorithms: ["A256GCM"] };
    const { plaintext } = await compactDecrypt(value, key, withoutPrototype(algorithms));
    const result: unknown = JSON.parse(Buffer.from(plaintext).toString());
    return isIntrospectionResult(result) ? result : undefined;
  } catch {
    return undefined;
  }
}

function isIntrospectionResult(value: unknown): value is IntrospectionResult & JsonObject {
  return (
    isJsonObject(value) && isJsonObject(ownMember(value, "response")) && Number.isFinite(ownMember(value, "askedAt"))
  );
}
