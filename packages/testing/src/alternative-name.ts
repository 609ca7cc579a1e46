import { isIP } from "node:net";

/** Names the kinds of subject alternative name that the kit writes. */
export type AlternativeNameKind = "DNS" | "IP" | "URI" | "email";

/** Describes one entry of a certificate's subjectAltName extension (RFC 5280 section 4.2.1.6). */
export interface AlternativeName {
  readonly kind: AlternativeNameKind;
  readonly value: string;
}

const visibleAscii = /^[\x21-\x7e]+$/;

const isLegal: Readonly<Record<AlternativeNameKind, (value: string) => boolean>> = {
  DNS: (value) => visibleAscii.test(value),
  IP: (value) => isIP(value) !== 0,
  URI: (value) => visibleAscii.test(value),
  email: (value) => visibleAscii.test(value),
};

/**
 * Reads a subject alternative name in OpenSSL's notation, such as `DNS:localhost` or `IP:::1`.
 *
 * Only IP addresses are checked for their syntax; the other kinds need no more than visible ASCII.
 *
 * @throws TypeError for another kind, another notation or an illegal value
 */
export function parseAlternativeName(text: string): AlternativeName {
  const colon = text.indexOf(":");
  const kind = text.slice(0, Math.max(colon, 0));
  const value = text.slice(colon + 1);
  if (!isKind(kind) || !isLegal[kind](value)) {
    throw new TypeError(`Subject alternative name "${text}" is not DNS:..., IP:..., URI:... or email:...`);
  }
  return { kind, value };
}

function isKind(text: string): text is AlternativeNameKind {
  return Object.hasOwn(isLegal, text);
}
