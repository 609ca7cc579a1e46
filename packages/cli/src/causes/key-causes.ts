import type { JsonWebKeySet, SignatureAlgorithm } from "@certbound/core";
import {
  isJsonObject,
  type JsonObject,
  MAX_KEYS,
  MIN_RSA_MODULUS,
  signatureAlgorithms,
} from "@certbound/core/internal";
import { type IssuerRequest, isUntrusted } from "../inputs/http-requests.ts";
import { printable, printableValue } from "../rendering/printable.ts";
import { type Cause, type Facts, stringOrEmpty } from "./cause.ts";

const unavailable = ["ERR_KEYS_UNAVAILABLE"] as const;
const unknown = ["ERR_TOKEN_KEY_UNKNOWN"] as const;
const signature = ["ERR_TOKEN_SIGNATURE"] as const;

/** The causes of unavailable or unknown keys, and of wrong signatures. */
export const keyCauses: readonly Cause[] = [
  {
    id: "issuer-host-unknown",
    codes: unavailable,
    applies: (facts) => /^(?:ENOTFOUND|EAI_)/.test(failure(facts)),
    reason: (facts) => `the host name cannot be resolved: ${lastUrl(facts)}`,
    fix: "check the spelling of the host name, and the DNS of this machine",
  },
  {
    id: "issuer-tls-untrusted",
    codes: unavailable,
    applies: (facts) => isUntrusted(failure(facts)),
    reason: (facts) => `the certificate of the issuer's server is not trusted (${failure(facts)}): ${lastUrl(facts)}`,
    fix: "for a private CA, use --ca FILE here, and NODE_EXTRA_CA_CERTS=FILE or the option fetch in the API",
  },
  {
    id: "issuer-connection-refused",
    codes: unavailable,
    applies: (facts) => failure(facts) === "ECONNREFUSED",
    reason: (facts) => `the connection was refused: ${lastUrl(facts)}`,
    fix: "check that the issuer is running, and that host and port are correct",
  },
  {
    id: "issuer-unreachable",
    codes: unavailable,
    applies: (facts) => failure(facts) !== "",
    reason: (facts) => `there was no response (${failure(facts)}): ${lastUrl(facts)}`,
    fix: "check whether this machine can reach the issuer: firewall, egress proxy (the option fetch), TLS",
  },
  {
    id: "issuer-redirects",
    codes: unavailable,
    applies: (facts) => String(lastRequest(facts)?.status).startsWith("3"),
    reason: (facts) => `the response is a redirect, which is never followed: ${lastUrl(facts)}`,
    fix: "configure the URL that it redirects to",
  },
  {
    id: "discovery-of-other-issuer",
    codes: unavailable,
    applies: (facts) => otherIssuer(facts) !== undefined,
    reason: (facts) =>
      `the metadata document belongs to another issuer: ${printableValue(otherIssuer(facts))} (a trailing slash is significant)`,
    fix: "configure the issuer exactly as its metadata document spells it",
  },
  {
    id: "discovery-not-found",
    codes: unavailable,
    applies: (facts) => isDiscovery(lastRequest(facts)) && lastRequest(facts)?.status === 404,
    reason: (facts) => `the issuer has no metadata document: ${lastUrl(facts)} responds with 404`,
    fix: "check whether the configured issuer lacks a path (a realm, a tenant), or pass the key set with --jwks URL",
  },
  {
    id: "key-set-not-found",
    codes: unavailable,
    applies: (facts) => lastRequest(facts)?.status === 404,
    reason: (facts) => `the key set was not found: ${lastUrl(facts)} responds with 404`,
    fix: "configure jwks_uri of the issuer's metadata document, or omit jwks, so that discovery finds the key set",
  },
  {
    id: "issuer-fails",
    codes: unavailable,
    applies: (facts) => lastRequest(facts) !== undefined && lastRequest(facts)?.status !== 200,
    reason: (facts) => `${lastUrl(facts)} responds with ${String(lastRequest(facts)?.status)}`,
    fix: "check the logs of the issuer, and of any gateway in front of it",
  },
  {
    id: "answer-is-html",
    codes: unavailable,
    applies: (facts) =>
      /html/i.test(lastRequest(facts)?.contentType ?? "") ||
      /^\s*<(?:!doctype|html)/i.test(lastRequest(facts)?.body ?? ""),
    reason: (facts) => `the response is a web page, not JSON: ${lastUrl(facts)}`,
    fix: "the URL may be wrong, or a login page or captive portal may intercept it: configure jwks_uri of the issuer's metadata document",
  },
  {
    id: "discovery-without-keys",
    codes: unavailable,
    applies: (facts) => isDiscovery(lastRequest(facts)),
    reason: "the metadata document has no https jwks_uri",
    fix: "correct the document at the issuer, or pass the key set with --jwks URL",
  },
  {
    id: "key-set-is-metadata",
    codes: unavailable,
    applies: (facts) => Object.hasOwn(jsonBody(lastRequest(facts)), "jwks_uri"),
    reason: "the configured key set URL is the URL of the issuer's metadata document",
    fix: "configure the jwks_uri of that document, or omit jwks, so that discovery finds the key set",
  },
  {
    id: "key-set-without-usable-keys",
    codes: unavailable,
    applies: (facts) => Array.isArray(jsonBody(lastRequest(facts))["keys"]),
    reason: `the key set has no public key that can verify a signature (it is empty, or contains only encryption or symmetric keys), or more than ${MAX_KEYS.toLocaleString("en")} such keys`,
    fix: "configure the issuer to publish the keys that it signs access tokens with, and no others",
  },
  {
    id: "key-set-unreadable",
    codes: unavailable,
    reason: "the response of the issuer is not a key set",
    fix: "check the response of the issuer, for example with curl",
  },
  {
    id: "key-id-unknown",
    codes: unknown,
    applies: (facts) => keyId(facts) !== undefined && !keyIds(facts.keys).includes(keyId(facts)),
    reason: (facts) =>
      `no key of the issuer has the kid ${printableValue(keyId(facts))}; the issuer publishes ${printableValue(keyIds(facts.keys))}. The token was probably signed before the keys changed, or in another environment`,
    fix: "the client must get a new token; if all tokens are rejected, check that token and API use the same environment of the issuer",
  },
  {
    id: "key-of-other-algorithm",
    codes: unknown,
    applies: (facts) => keyId(facts) !== undefined,
    reason: "the key with this kid is for another algorithm, or not for signatures",
    fix: "correct kty, crv, alg or use in the issuer's key set",
  },
  {
    id: "token-without-key-id",
    codes: unknown,
    reason: "the token has no kid, and no key of the issuer fits its algorithm",
    fix: "compare the issuer's key set with alg in the header of the token",
  },
  {
    id: "signature-missing",
    codes: signature,
    applies: ({ token }) => token.signature.length === 0,
    reason: "the third part of the token is empty: the token is not signed",
    fix: "never accept such a token; if it was copied, copy the whole token",
  },
  {
    id: "signature-truncated",
    codes: signature,
    applies: ({ token }) => token.signature.length < minimumSignatureLength(token.header?.["alg"]),
    reason: ({ token }) => `the signature is truncated: it has only ${token.signature.length} bytes`,
    fix: "copy the whole token",
  },
  {
    id: "signature-in-asn1",
    codes: signature,
    applies: ({ token }) =>
      stringOrEmpty(token.header?.["alg"]).startsWith("ES") &&
      token.signature[0] === 0x30 &&
      token.signature[1] === token.signature.length - 2,
    reason:
      "the signature is in ASN.1 format, as OpenSSL writes it, instead of two integers of fixed length (RFC 7518 section 3.4)",
    fix: "correct the issuer: use the signature format ieee-p1363",
  },
  {
    id: "signature-wrong",
    codes: signature,
    reason:
      "the token was changed after it was signed, or signed with a key that the issuer does not publish under this kid: it is forged, or the issuer uses one kid for two keys",
    fix: "get a new token and compare; configure the issuer to use a unique kid for every key",
  },
];

/** Returns the `kid` of every key that has one. */
export function keyIds(keys: JsonWebKeySet | undefined): readonly unknown[] {
  return keys?.keys.map((key) => key.kid).filter((kid) => kid !== undefined) ?? [];
}

function lastRequest({ issuerRequests }: Facts): IssuerRequest | undefined {
  return issuerRequests.at(-1);
}

function failure(facts: Facts): string {
  return lastRequest(facts)?.failure ?? "";
}

function lastUrl(facts: Facts): string {
  return printable(lastRequest(facts)?.url ?? "");
}

function isDiscovery(request: IssuerRequest | undefined): boolean {
  return /\/\.well-known\/(?:openid-configuration|oauth-authorization-server)(?!.*jwks)/.test(request?.url ?? "");
}

/** Returns the first issuer that a metadata document names instead of the configured one. */
function otherIssuer({ issuerRequests, rules }: Facts): unknown {
  const named = issuerRequests.filter(isDiscovery).map((request) => jsonBody(request)["issuer"]);
  return named.find((issuer) => issuer !== undefined && issuer !== rules.issuer);
}

function jsonBody(request: IssuerRequest | undefined): JsonObject {
  try {
    const parsed: unknown = JSON.parse(request?.body ?? "");
    return isJsonObject(parsed) ? parsed : {};
  } catch {
    return {};
  }
}

function keyId({ token }: Facts): unknown {
  return token.header?.["kid"];
}

/** Returns the minimum length of a signature in bytes: one RSA modulus, or two integers of the curve; 0 if it is unknown. */
function minimumSignatureLength(algorithm: unknown): number {
  const name = stringOrEmpty(algorithm);
  if (!Object.hasOwn(signatureAlgorithms, name)) return 0;
  const { kty, lengths } = signatureAlgorithms[name as SignatureAlgorithm];
  if (kty === "RSA") return MIN_RSA_MODULUS / 8;
  const [[, length] = ["x", 0]] = lengths;
  return kty === "AKP" ? 0 : 2 * length;
}
