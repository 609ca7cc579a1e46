import { type IssuerKey } from "./issuer-keys.ts";
import { type Signer, signers } from "./signers.ts";

/** The differences from a valid token. Everything that is not given is valid. */
export interface RawToken {
  /** Overrides `alg`, `kid` and `typ`; an undefined member is omitted. */
  readonly header?: Readonly<Record<string, unknown>>;
  /** Overrides the valid claims; an undefined claim is omitted. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** Rewrites the JSON of the header. */
  readonly headerText?: Rewrite;
  /** Rewrites the JSON of the payload. */
  readonly payloadText?: Rewrite;
  /** Encodes a part, before the parts are signed. Default: base64url. */
  readonly encode?: (bytes: Buffer, part: Part) => string;
  /** The key that signs; its algorithm and kid are the defaults of the header. Default: the issuer's ES256 key. */
  readonly key?: IssuerKey;
  /** Makes the signature. Default: the algorithm of the key, regardless of the header. */
  readonly signer?: Signer;
  /** Joins the parts. Default: with periods. */
  readonly join?: (header: string, payload: string, signature: string) => string;
}

/** A part of a compact JWS (RFC 7515 section 7.1). */
export type Part = "header" | "payload" | "signature";

/** Changes a JSON text to another text, or to bytes. */
export type Rewrite = (json: string) => string | Uint8Array;

/** The key and the claims of a valid token. */
export interface ValidToken {
  readonly key: IssuerKey;
  readonly claims: Readonly<Record<string, unknown>>;
}

/** Writes a token with full control of its bytes. Uses only node:crypto, not the code under test. */
export function writeToken(token: RawToken, valid: ValidToken): string {
  const { key = valid.key, encode = (bytes) => bytes.toString("base64url") } = token;
  const { signer = signers[key.algorithm], join = (...parts) => parts.join(".") } = token;
  const header = { alg: key.algorithm, kid: key.jwk.kid, typ: "at+jwt", ...token.header };
  const claims = { ...valid.claims, ...token.claims };
  const headerPart = encode(bytesOf(header, token.headerText), "header");
  const payloadPart = encode(bytesOf(claims, token.payloadText), "payload");
  const signature = signer(Buffer.from(`${headerPart}.${payloadPart}`), key.privateKey);
  return join(headerPart, payloadPart, encode(signature, "signature"));
}

function bytesOf(members: object, rewrite: Rewrite = (json) => json): Buffer {
  return Buffer.from(rewrite(JSON.stringify(members)));
}
