import { type IssuerKey } from "./issuer-keys.ts";
import { type Signer, signers } from "./signers.ts";

/** A token byte by byte. What is left out is right, so that a token is wrong in what is given alone. */
export interface RawToken {
  /** Merged over `alg`, `kid` and `typ`; one given as undefined is left out. */
  readonly header?: Readonly<Record<string, unknown>>;
  /** Merged over the right claims; one given as undefined is left out. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** The text or bytes of the header itself, made of the right JSON. */
  readonly headerText?: Rewriting;
  /** The text or bytes of the payload itself, made of the right JSON. */
  readonly payloadText?: Rewriting;
  /** How a part is written; the signature is made over what comes of it. Default: base64url. */
  readonly encode?: (bytes: Buffer, part: Part) => string;
  /** Who signs. Default: the issuer's ES256 key; its algorithm and kid are the header's default. */
  readonly key?: IssuerKey;
  /** How it is signed. Default: as the key's algorithm says, whatever the header says. */
  readonly signer?: Signer;
  /** How the parts are put together. Default: with periods. */
  readonly join?: (header: string, payload: string, signature: string) => string;
}

/** Names a part of a compact JWS (RFC 7515 section 7.1). */
export type Part = "header" | "payload" | "signature";

/** Turns the JSON text that would have been written into another text, or bytes. */
export type Rewriting = (json: string) => string | Uint8Array;

/** What the right token is made of. */
export interface RightToken {
  readonly key: IssuerKey;
  readonly claims: Readonly<Record<string, unknown>>;
}

/** Writes a token with full control of its bytes; by node:crypto alone, and nothing of it is read back. */
export function writeToken(token: RawToken, right: RightToken): string {
  const { key = right.key, encode = (bytes) => bytes.toString("base64url") } = token;
  const { signer = signers[key.algorithm], join = (...parts) => parts.join(".") } = token;
  const header = { alg: key.algorithm, kid: key.jwk.kid, typ: "at+jwt", ...token.header };
  const claims = { ...right.claims, ...token.claims };
  const headerPart = encode(written(header, token.headerText), "header");
  const payloadPart = encode(written(claims, token.payloadText), "payload");
  const signature = signer(Buffer.from(`${headerPart}.${payloadPart}`), key.privateKey);
  return join(headerPart, payloadPart, encode(signature, "signature"));
}

function written(members: object, rewrite: Rewriting = (json) => json): Buffer {
  return Buffer.from(rewrite(JSON.stringify(members)));
}
