import type { JsonWebKeySet, SignatureAlgorithm } from "@certbound/core";
import {
  isJsonObject,
  type JsonObject,
  MAX_KEYS,
  MIN_RSA_MODULUS,
  signatureAlgorithms,
} from "@certbound/core/internal";
import { type Exchange, isUntrusted } from "../inputs/http-exchange.ts";
import { printable, printableValue } from "../rendering/printable.ts";
import { type Cause, type Facts, textOf } from "./cause.ts";

const unavailable = ["ERR_KEYS_UNAVAILABLE"] as const;
const unknown = ["ERR_TOKEN_KEY_UNKNOWN"] as const;
const signature = ["ERR_TOKEN_SIGNATURE"] as const;

/** Why keys are not there or do not fit, and why a signature is wrong. */
export const keyCauses: readonly Cause[] = [
  {
    id: "issuer-host-unknown",
    codes: unavailable,
    applies: (facts) => /^(?:ENOTFOUND|EAI_)/.test(failure(facts)),
    reason: (facts) => `the name of the host is not known: ${where(facts)}`,
    fix: "see whether it is misspelled, and whether this machine's DNS knows it",
  },
  {
    id: "issuer-tls-untrusted",
    codes: unavailable,
    applies: (facts) => isUntrusted(failure(facts)),
    reason: (facts) => `the certificate of the issuer's server is not trusted (${failure(facts)}): ${where(facts)}`,
    fix: "a private authority: --ca FILE here, NODE_EXTRA_CA_CERTS=FILE or the option fetch in the API",
  },
  {
    id: "issuer-connection-refused",
    codes: unavailable,
    applies: (facts) => failure(facts) === "ECONNREFUSED",
    reason: (facts) => `nobody listens there: ${where(facts)}`,
    fix: "see whether the issuer runs, and whether host and port are right",
  },
  {
    id: "issuer-unreachable",
    codes: unavailable,
    applies: (facts) => failure(facts) !== "",
    reason: (facts) => `there was no answer (${failure(facts)}): ${where(facts)}`,
    fix: "see whether this machine reaches the issuer: firewall, egress proxy (the option fetch), TLS",
  },
  {
    id: "issuer-redirects",
    codes: unavailable,
    applies: (facts) => String(last(facts)?.status).startsWith("3"),
    reason: (facts) => `it is answered with a redirect, which is never followed: ${where(facts)}`,
    fix: "configure the address that it leads to",
  },
  {
    id: "discovery-of-other-issuer",
    codes: unavailable,
    applies: (facts) => foreignIssuer(facts) !== undefined,
    reason: (facts) =>
      `the metadata document is of another issuer: it says ${printableValue(foreignIssuer(facts))} (a trailing slash counts)`,
    fix: "configure the issuer as its own document writes it",
  },
  {
    id: "discovery-not-found",
    codes: unavailable,
    applies: (facts) => isDiscovery(last(facts)) && last(facts)?.status === 404,
    reason: (facts) => `the issuer has no metadata document: ${where(facts)} is answered with 404`,
    fix: "see whether the issuer has a path that is missing here (a realm, a tenant), or give the key set: --jwks URL",
  },
  {
    id: "key-set-not-found",
    codes: unavailable,
    applies: (facts) => last(facts)?.status === 404,
    reason: (facts) => `there is no key set: ${where(facts)} is answered with 404`,
    fix: "configure jwks_uri of the issuer's metadata document, or leave jwks out, so that it is found",
  },
  {
    id: "issuer-fails",
    codes: unavailable,
    applies: (facts) => last(facts) !== undefined && last(facts)?.status !== 200,
    reason: (facts) => `${where(facts)} is answered with ${String(last(facts)?.status)}`,
    fix: "see what the issuer, or a gateway before it, says about it",
  },
  {
    id: "answer-is-html",
    codes: unavailable,
    applies: (facts) =>
      /html/i.test(last(facts)?.contentType ?? "") || /^\s*<(?:!doctype|html)/i.test(last(facts)?.body ?? ""),
    reason: (facts) => `the answer is a web page, not JSON: ${where(facts)}`,
    fix: "a login page, a captive portal, or the wrong path: configure jwks_uri of the issuer's metadata document",
  },
  {
    id: "discovery-without-keys",
    codes: unavailable,
    applies: (facts) => isDiscovery(last(facts)),
    reason: "the metadata document has no jwks_uri with https",
    fix: "correct it at the issuer, or give the key set: --jwks URL",
  },
  {
    id: "key-set-is-metadata",
    codes: unavailable,
    applies: (facts) => Object.hasOwn(document(last(facts)), "jwks_uri"),
    reason: "what is configured as key set is the issuer's metadata document",
    fix: "configure its jwks_uri, or leave jwks out, so that it is found",
  },
  {
    id: "key-set-without-usable-keys",
    codes: unavailable,
    applies: (facts) => Array.isArray(document(last(facts))["keys"]),
    reason: `the key set has no public key that can verify a signature (it is empty, or holds encryption or symmetric keys only), or more than ${MAX_KEYS.toLocaleString("en")} of them`,
    fix: "have the issuer publish the keys that it signs access tokens with, and no others",
  },
  {
    id: "key-set-unreadable",
    codes: unavailable,
    reason: "the answer of the issuer is no key set",
    fix: "see what it answers",
  },
  {
    id: "key-id-unknown",
    codes: unknown,
    applies: (facts) => keyId(facts) !== undefined && !keyIds(facts.keys).includes(keyId(facts)),
    reason: (facts) =>
      `no key of the issuer has the kid ${printableValue(keyId(facts))}; there are ${printableValue(keyIds(facts.keys))}: signed before the keys were changed, or in another environment`,
    fix: "let the client get a new token; if all tokens are rejected so, compare the environment of the issuer",
  },
  {
    id: "key-of-other-algorithm",
    codes: unknown,
    applies: (facts) => keyId(facts) !== undefined,
    reason: "the key of this kid is for another algorithm, or not for signatures",
    fix: "correct kty, crv, alg or use in the issuer's key set",
  },
  {
    id: "token-without-key-id",
    codes: unknown,
    reason: "it names no kid, and no key of the issuer fits its algorithm",
    fix: "compare the issuer's key set with the algorithm that it signs with",
  },
  {
    id: "signature-missing",
    codes: signature,
    applies: ({ token }) => token.signature.length === 0,
    reason: "its third part is empty: it is not signed",
    fix: "never accept it; if it was copied, copy all of it",
  },
  {
    id: "signature-truncated",
    codes: signature,
    applies: ({ token }) => token.signature.length < expectedLength(token.header?.["alg"]),
    reason: ({ token }) => `its signature is cut off: ${token.signature.length} bytes, and there should be more`,
    fix: "copy all of the token",
  },
  {
    id: "signature-in-asn1",
    codes: signature,
    applies: ({ token }) =>
      textOf(token.header?.["alg"]).startsWith("ES") &&
      token.signature[0] === 0x30 &&
      token.signature[1] === token.signature.length - 2,
    reason: "its signature is in ASN.1, as OpenSSL writes it, not two numbers of fixed length (RFC 7518 section 3.4)",
    fix: "have the issuer write it so (ieee-p1363)",
  },
  {
    id: "signature-wrong",
    codes: signature,
    reason:
      "it was changed after it was signed, or signed with a key that the issuer does not publish under this kid: forged, or one kid for two keys",
    fix: "get a new token and compare; have the issuer give every key a kid of its own",
  },
];

/** The key ids of a key set. */
export function keyIds(keys: JsonWebKeySet | undefined): readonly unknown[] {
  return keys?.keys.map((key) => key.kid).filter((kid) => kid !== undefined) ?? [];
}

function last({ exchanges }: Facts): Exchange | undefined {
  return exchanges.at(-1);
}

function failure(facts: Facts): string {
  return last(facts)?.failure ?? "";
}

function where(facts: Facts): string {
  return printable(last(facts)?.url ?? "");
}

function isDiscovery(exchange: Exchange | undefined): boolean {
  return /\/\.well-known\/(?:openid-configuration|oauth-authorization-server)(?!.*jwks)/.test(exchange?.url ?? "");
}

/** The issuer that a metadata document names instead of the configured one; of two documents, either. */
function foreignIssuer({ exchanges, rules }: Facts): unknown {
  const named = exchanges.filter(isDiscovery).map((exchange) => document(exchange)["issuer"]);
  return named.find((issuer) => issuer !== undefined && issuer !== rules.issuer);
}

function document(exchange: Exchange | undefined): JsonObject {
  try {
    const parsed: unknown = JSON.parse(exchange?.body ?? "");
    return isJsonObject(parsed) ? parsed : {};
  } catch {
    return {};
  }
}

function keyId({ token }: Facts): unknown {
  return token.header?.["kid"];
}

/** The least length of a signature, in bytes: of RSA that of the key, of a curve two numbers; 0: not known. */
function expectedLength(algorithm: unknown): number {
  const name = textOf(algorithm);
  if (!Object.hasOwn(signatureAlgorithms, name)) return 0;
  const { kty, lengths } = signatureAlgorithms[name as SignatureAlgorithm];
  if (kty === "RSA") return MIN_RSA_MODULUS / 8;
  const [[, length] = ["x", 0]] = lengths;
  return kty === "AKP" ? 0 : 2 * length;
}
