import { types } from "node:util";
import { type CryptoKey, importJWK, type JWK } from "jose";
import { type ClientAuth, ClientSecretBasic, ClientSecretPost, PrivateKeyJwt, TlsClientAuth } from "oauth4webapi";
import type { ClientAuthentication } from "../introspection-configuration.ts";
import { ExchangeError } from "../issuer/exchange.ts";

const curves: Readonly<Record<string, string>> = { "P-256": "ES256", "P-384": "ES384", "P-521": "ES512" };

/**
 * Creates the client authentication that is configured (RFC 6749 section 2.3, RFC 7523 section 2.2, RFC 8705 section 2).
 *
 * It rejects with an `ExchangeError` when a key cannot be used.
 */
export function clientAuthentication(configured: ClientAuthentication): ClientAuth {
  if (configured.method === "private_key_jwt") return privateKeyJwt(configured.key, configured.keyId);
  if (configured.method === "client_secret_basic") return ClientSecretBasic(configured.secret);
  if (configured.method === "client_secret_post") return ClientSecretPost(configured.secret);
  return TlsClientAuth();
}

/** The key is imported once, with the first request. */
function privateKeyJwt(key: CryptoKey | JWK, keyId: string | undefined): ClientAuth {
  let imported: Promise<ClientAuth> | undefined;
  const authentication = async (): Promise<ClientAuth> => {
    const privateKey = types.isCryptoKey(key) ? key : await importPrivateKey(key);
    return PrivateKeyJwt(keyId === undefined ? privateKey : { key: privateKey, kid: keyId });
  };
  return async (server, client, body, headers) => {
    imported ??= authentication();
    await (
      await imported
    )(server, client, body, headers);
  };
}

async function importPrivateKey(jwk: JWK): Promise<CryptoKey> {
  const algorithm = jwk.alg ?? curves[jwk.crv ?? ""] ?? "Ed25519";
  const key = await importJWK(jwk, algorithm).catch(() => undefined);
  if (key === undefined || key instanceof Uint8Array) {
    throw new ExchangeError("the clientKey cannot be used: does its alg fit its type?");
  }
  return key;
}
