import { Buffer } from "node:buffer";
import { X509Certificate } from "node:crypto";
import { assertCertificateShape, derFromFile, derFromText } from "./certificate-der.ts";
import { type AccessTokenError, rejected } from "../errors.ts";
import { memberOf } from "../values/object-member.ts";
import { isThumbprint, sha256Thumbprint, THUMBPRINT_OF_EMPTY_INPUT } from "../values/thumbprint.ts";

/** A client certificate, identified by its thumbprint. */
export interface ClientCertificate {
  /** The `x5t#S256`: SHA-256 of the DER encoding, in 43 characters of base64url (RFC 8705 section 3.1). */
  readonly thumbprint: string;
  /**
   * The certificate itself, parsed on first access; undefined if only its thumbprint is known, or if Node cannot parse it as
   * DER.
   */
  readonly x509: X509Certificate | undefined;
  /**
   * True if the TLS layer verified the chain in the handshake of this connection, or if a proxy reports in a verify header
   * that it verified the chain. A proxy can report the result of an earlier handshake, unless it disables TLS session
   * resumption. For use in a `certificatePolicy`: the binding does not depend on the chain (RFC 8705 section 6.2).
   */
  readonly chainVerified?: boolean | undefined;
}

/**
 * The client's leaf certificate: PEM text, DER as base64 text or bytes, Node's `X509Certificate`, or its thumbprint.
 *
 * `""` means that the client presented no certificate.
 */
export type ClientCertificateInput =
  | string
  | Uint8Array
  | X509Certificate
  | {
      readonly thumbprint: string;
      readonly x509?: X509Certificate | undefined;
      readonly chainVerified?: boolean | undefined;
    };

/**
 * The result of a certificate resolver. Null, undefined and `""` mean that the client presented no certificate. An error states
 * why the certificate is missing or unusable.
 */
export type ResolvedCertificate = ClientCertificateInput | AccessTokenError | null | undefined;

/**
 * Finds the client's certificate for a request.
 *
 * Called at most once for each request, before the access token is verified. Not called if the token is missing or the
 * Authorization header is malformed. If a `tokenResolver` returns a promise, both resolvers run at the same time.
 *
 * To read the certificate of the connection, call `tlsCertificate(request)` before the first `await`. Never read the
 * certificate from the socket: below TLS 1.3 a client can start a renegotiation, and the socket then returns a certificate
 * although the client has not yet proven that it holds the private key. Therefore, below TLS 1.3, no certificate is accepted
 * during a renegotiation, or if the connection was closed during the call. This applies to certificates from any source.
 *
 * A returned error must have an `ERR_CERTIFICATE_*` code. If the resolver throws, does not settle within 5 s or returns a value
 * outside this type, the request fails with 500 as an error of the application.
 */
export type ClientCertificateResolver<Request> = (
  request: Request,
) => ResolvedCertificate | Promise<ResolvedCertificate>;

/**
 * Computes the `x5t#S256` thumbprint of a certificate (RFC 8705 section 3.1).
 *
 * A string contains base64 DER or PEM. If the PEM contains several certificates, the first one is used. Any text is allowed
 * before it, such as "Bag Attributes". Parses only the outer structure. Does not check validity, chain or revocation.
 *
 * @example
 * <!-- source: test/api-examples/core.examples.ts#certificateThumbprint -->
 * ```ts
 * const pem = await readFile(certificateFile, "utf8");
 *
 * // The confirmation claim of a token that is bound to this certificate (RFC 8705 section 3.1)
 * const cnf = { "x5t#S256": certificateThumbprint(pem) };
 * ```
 *
 * @throws AccessTokenError `ERR_CERTIFICATE_MALFORMED`
 * @throws TypeError if the certificate does not have one of the types
 */
export function certificateThumbprint(certificate: string | Uint8Array | X509Certificate): string {
  const isFile = typeof certificate === "string" && certificate !== "";
  const parsed = parseClientCertificate(isFile ? derFromFile(certificate)[0] : certificate);
  if (parsed === undefined) throw rejected("ERR_CERTIFICATE_MALFORMED", "the certificate is empty");
  return parsed.thumbprint;
}

/**
 * Converts a certificate in any of its forms to a {@link ClientCertificate}; undefined if none was presented.
 *
 * Does not check validity, chain or revocation.
 *
 * @throws AccessTokenError `ERR_CERTIFICATE_MALFORMED`
 * @throws TypeError if the input does not have one of the types
 */
export function parseClientCertificate(input: ClientCertificateInput | null): ClientCertificate | undefined {
  return hashedCertificate(input);
}

/** Like {@link parseClientCertificate}, for a certificate whose chain the caller knows to be verified. */
export function parseVerifiedCertificate(input: ClientCertificateInput | null): ClientCertificate | undefined {
  const certificate = hashedCertificate(input);
  return certificate && HashedCertificate.withVerifiedChain(certificate);
}

/** Returns whether a value was created by this module. Its thumbprint is then known to be well-formed. */
export function isHashedCertificate(value: unknown): value is ClientCertificate {
  return typeof value === "object" && value !== null && HashedCertificate.isInstance(value);
}

function hashedCertificate(input: ClientCertificateInput | null): HashedCertificate | undefined {
  if (input === null || input === "") return undefined;
  if (typeof input === "string") return fromDer(derFromText(input));
  if (typeof input === "object" && HashedCertificate.isInstance(input)) return input;
  if (input instanceof Uint8Array) return input.length === 0 ? undefined : fromDer(Buffer.from(input));
  if (input instanceof X509Certificate) return new HashedCertificate(sha256Thumbprint(input.raw), input, false);
  if (typeof input === "object" && "thumbprint" in input) return fromThumbprint(input);
  throw new TypeError(
    "certbound: the client certificate must be a string, bytes, an X509Certificate, { thumbprint } or null",
  );
}

// A class, because its private field identifies certificates that were already hashed, and because getters on the prototype
// are neither enumerated nor copied into a log line.
class HashedCertificate implements ClientCertificate {
  readonly thumbprint: string;
  readonly #chainVerified: boolean;
  #source: X509Certificate | Buffer | undefined;

  constructor(thumbprint: string, source: X509Certificate | Buffer | undefined, chainVerified: boolean) {
    this.thumbprint = thumbprint;
    this.#source = source;
    this.#chainVerified = chainVerified;
    Object.freeze(this);
  }

  static isInstance(value: object): value is HashedCertificate {
    return #source in value;
  }

  static withVerifiedChain(certificate: HashedCertificate): HashedCertificate {
    return new HashedCertificate(certificate.thumbprint, certificate.#source, true);
  }

  get x509(): X509Certificate | undefined {
    if (this.#source instanceof Uint8Array) this.#source = parseX509(this.#source);
    return this.#source;
  }

  get chainVerified(): boolean {
    return this.#chainVerified;
  }
}

function fromDer(der: Buffer): HashedCertificate {
  assertCertificateShape(der);
  return new HashedCertificate(sha256Thumbprint(der), der, false);
}

function fromThumbprint(
  input: Extract<ClientCertificateInput, { readonly thumbprint: string }>,
): HashedCertificate | undefined {
  const thumbprint: unknown = memberOf(input, "thumbprint");
  const x509 = memberOf(input, "x509");
  const chainVerified: unknown = memberOf(input, "chainVerified");
  if (typeof thumbprint !== "string") {
    throw new TypeError("certbound: the thumbprint of a client certificate must be a string");
  }
  if (thumbprint === THUMBPRINT_OF_EMPTY_INPUT) return undefined;
  if (!isThumbprint(thumbprint))
    throw rejected("ERR_CERTIFICATE_MALFORMED", "the thumbprint is not 43 characters of canonical base64url");
  if (x509 !== undefined && !(x509 instanceof X509Certificate)) {
    throw new TypeError("certbound: the x509 of a client certificate must be an X509Certificate");
  }
  if (x509 !== undefined && sha256Thumbprint(x509.raw) !== thumbprint)
    throw rejected("ERR_CERTIFICATE_MALFORMED", "the thumbprint does not match x509");
  if (chainVerified !== undefined && typeof chainVerified !== "boolean") {
    throw new TypeError("certbound: the chainVerified of a client certificate must be true or false");
  }
  return new HashedCertificate(thumbprint, x509, chainVerified === true);
}

function parseX509(der: Buffer): X509Certificate | undefined {
  try {
    const x509 = new X509Certificate(der);
    // Node also parses BER and encodes it again as DER. The result would not match the hash.
    return x509.raw.equals(der) ? x509 : undefined;
  } catch {
    return undefined;
  }
}
