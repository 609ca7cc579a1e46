import { createPrivateKey } from "node:crypto";

/** Names the key pairs that a certificate can be issued for: P-256, RSA 2048 or Ed25519. */
export type KeyType = "ec" | "rsa" | "ed25519";

/**
 * Tells the type of a private key in PEM.
 *
 * @throws TypeError for a key of none of these types
 */
export function keyTypeOf(pem: string): KeyType {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = createPrivateKey(pem);
  if (type === "rsa" || type === "ed25519") return type;
  if (type === "ec" && details?.namedCurve === "prime256v1") return type;
  throw new TypeError("The key is not of P-256, RSA or Ed25519");
}
