import { types } from "node:util";
import { type CryptoKey, importJWK, type JWK } from "jose";
import { type ClientAuth, ClientSecretPost, modifyAssertion, PrivateKeyJwt, TlsClientAuth } from "oauth4webapi";
import type { ClientAuthentication } from "../../options/introspection-configuration.ts";
import { withoutPrototype } from "../../values/object-member.ts";
import { ExchangeError } from "../exchange.ts";

/**
 * Creates the client authentication that is configured (RFC 6749 section 2.3, RFC 7523 section 2.2, RFC 8705 section 2).
 *
 * It rejects with an `ExchangeError` when a JWK cannot be imported.
 */
export function clientAuthentication(configured: ClientAuthentication): ClientAuth {
  if (configured.method === "private_key_jwt") return privateKeyJwt(configured.key, configured.keyId);
  if (configured.method === "client_secret_basic") return clientSecretBasic(configured.secret);
  if (configured.method === "client_secret_post") return ClientSecretPost(configured.secret);
  return TlsClientAuth();
}

/**
 * Encodes id and secret as a form does (RFC 6749 section 2.3.1 and appendix B): hyphens, dots, underscores and asterisks stay
 * readable, as most servers expect them. `ClientSecretBasic` of oauth4webapi also encodes those.
 */
function clientSecretBasic(secret: string): ClientAuth {
  return (_server, client, _body, headers) => {
    headers.set("authorization", `Basic ${btoa(`${formEncoded(client.client_id)}:${formEncoded(secret)}`)}`);
  };
}

function formEncoded(text: string): string {
  return new URLSearchParams([["", text]]).toString().slice(1);
}

/** The key is imported once, with the first request. */
function privateKeyJwt(key: CryptoKey | JWK, keyId: string | undefined): ClientAuth {
  let imported: Promise<ClientAuth> | undefined;
  const identified = (privateKey: CryptoKey) =>
    withoutPrototype(keyId === undefined ? { key: privateKey } : { key: privateKey, kid: keyId });
  const authentication = async (): Promise<ClientAuth> => {
    if (types.isCryptoKey(key)) return PrivateKeyJwt(identified(key));
    return PrivateKeyJwt(identified(await importPrivateKey(key)), {
      // Of the two names of EdDSA (RFC 9864), that of the JWK: an issuer may look the key up by it.
      [modifyAssertion]: (header) => Object.assign(header, { alg: key.alg }),
    });
  };
  return async (server, client, body, headers) => {
    imported ??= authentication();
    await (
      await imported
    )(server, client, body, headers);
  };
}

async function importPrivateKey(jwk: JWK): Promise<CryptoKey> {
  const key = await importJWK(jwk).catch(() => undefined);
  if (key === undefined || key instanceof Uint8Array) {
    throw new ExchangeError("the clientKey cannot be used: do its parts belong together?");
  }
  return key;
}
