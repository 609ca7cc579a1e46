import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import { compactDecrypt, CompactEncrypt } from "jose";
import { publishIntrospection } from "../../events/diagnostics.ts";
import type { IntrospectionCache } from "../../options/introspection-configuration.ts";
import { IssuerRequestError } from "../issuer-request.ts";
import { isJsonObject, type JsonObject, ownMember } from "../../values/json-object.ts";
import { withoutPrototype } from "../../values/object-member.ts";
import { withinTime } from "../../runtime/promises.ts";
import type { IntrospectionResult } from "./response-cache.ts";

/**
 * Everything that determines the meaning of a response; all of it is part of the name and of the key of its entry.
 *
 * The issuer vouches for the response, and the endpoint sent it: another endpoint of the same issuer (another tenant, another
 * environment) may know other tokens. The response can differ for each client (RFC 7662 section 2.2). A process that requires
 * signed responses (RFC 9701) must not accept what another process received without a signature.
 *
 * How a response was verified when it was received (keys, algorithms, TLS) is not part of it: every process that has the
 * secret is trusted with that.
 */
export interface IntrospectionSubject {
  readonly issuer: string;
  readonly endpoint: string;
  readonly clientId: string;
  /** Whether a signed response was required. */
  readonly signedResponse: boolean;
  readonly token: string;
}

/** Answers that other processes may use as well. A store that fails or is slow is as good as empty. */
export interface SharedCache {
  /** @throws IssuerRequestError when 64 reads are in flight */
  read(subject: IntrospectionSubject): Promise<IntrospectionResult | undefined>;
  /**
   * Never rejects, and need not be waited for.
   *
   * @param timeToLive milliseconds
   */
  write(subject: IntrospectionSubject, answer: IntrospectionResult, timeToLive: number): Promise<void>;
}

/** The format of names and values. Entries of another format are not found. */
const FORMAT = "certbound introspection 2";
/** How long the store is waited for, in milliseconds. */
const PATIENCE = 250;
/** How long it is left alone after it failed. */
const PAUSE = 5000;
/** How many reads of the store are in flight at a time. */
const MAX_READS = 64;
const MAX_VALUE = 128 * 1024;

/**
 * Puts answers into a store that need not be trusted.
 *
 * An entry is named by an HMAC-SHA-256 over what it is about, and encrypted under a key of its own (AES-256-GCM), both
 * under one secret: whoever writes to the store can neither plant an answer, nor move one to another token; nor can those
 * who read it learn tokens or claims.
 *
 * At most 64 reads are in flight, so that a flood of unknown tokens is not a flood of reads. A read that is late counts no
 * longer, even if the store never settles it: the store may then still be busy with 64 abandoned reads, and with 64 more
 * each time it is tried again. The timeouts of the store itself end those.
 *
 * @param elapsed milliseconds that only ever grow
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
      return await withinTime(operation(), PATIENCE, "late");
    } catch {
      pausedUntil = elapsed() + PAUSE;
      const detail = `the shared cache failed, or took longer than ${PATIENCE} ms; it is left alone for ${PAUSE} ms`;
      publishIntrospection(issuer, { outcome: "cache-unavailable", detail });
      return undefined;
    }
  };

  const get = async (subject: IntrospectionSubject): Promise<unknown> => {
    if (isPaused()) return undefined;
    if (reads >= MAX_READS) throw new IssuerRequestError(`${MAX_READS} reads of the shared cache are in flight`);
    reads += 1;
    try {
      return await attempt(subject.issuer, async () => store.get(nameOf(subject, secret)));
    } finally {
      reads -= 1;
    }
  };

  return {
    async read(subject) {
      const value = await get(subject);
      if (value === undefined || value === null) return undefined;
      const answer = await open(value, derive("value", subject, secret));
      if (answer === undefined) {
        const detail = "an entry of the shared cache is not authentic: written by others, or under another cacheKey";
        publishIntrospection(subject.issuer, { outcome: "cache-refused", detail });
      }
      return answer;
    },
    async write(subject, answer, timeToLive) {
      if (isPaused()) return;
      // What is nested deeper than can be written stays out.
      const value = await seal(answer, derive("value", subject, secret)).catch(() => undefined);
      if (value === undefined || value.length > MAX_VALUE) return;
      await attempt(subject.issuer, async () => {
        // A Keyv keeps the error of its store to itself.
        if ((await store.set(nameOf(subject, secret), value, timeToLive)) === false) throw new Error("not written");
      });
    },
  };
}

function nameOf(subject: IntrospectionSubject, secret: string): string {
  return `certbound:introspection:${derive("name", subject, secret).toString("base64url")}`;
}

function derive(purpose: "name" | "value", subject: IntrospectionSubject, secret: string): Buffer {
  const { issuer, endpoint, clientId, signedResponse, token } = subject;
  return createHmac("sha256", secret)
    .update(JSON.stringify([FORMAT, purpose, issuer, endpoint, clientId, signedResponse, token]))
    .digest();
}

async function seal(answer: IntrospectionResult, key: Uint8Array): Promise<string> {
  const plaintext = Buffer.from(JSON.stringify(answer));
  return new CompactEncrypt(plaintext)
    .setProtectedHeader(withoutPrototype({ alg: "dir", enc: "A256GCM" }))
    .encrypt(key);
}

async function open(value: unknown, key: Uint8Array): Promise<IntrospectionResult | undefined> {
  if (typeof value !== "string" || value.length > MAX_VALUE) return undefined;
  try {
    const algorithms = { keyManagementAlgorithms: ["dir"], contentEncryptionAlgorithms: ["A256GCM"] };
    const { plaintext } = await compactDecrypt(value, key, withoutPrototype(algorithms));
    const answer: unknown = JSON.parse(Buffer.from(plaintext).toString());
    return isAnswer(answer) ? answer : undefined;
  } catch {
    return undefined;
  }
}

function isAnswer(value: unknown): value is IntrospectionResult & JsonObject {
  return (
    isJsonObject(value) && isJsonObject(ownMember(value, "response")) && Number.isFinite(ownMember(value, "askedAt"))
  );
}
