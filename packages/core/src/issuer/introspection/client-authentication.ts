import { types } from "node:util";
import { type CryptoKey, importJWK, type JWK } from "jose";
import { type ClientAuth, ClientSecretPost, modifyAssertion, PrivateKeyJwt, TlsClientAuth } from "oauth4webapi";
import type { ClientAuthentication } from "../../options/introspection-configuration.ts";
import { withoutPrototype } from "../../values/object-member.ts";
import { callApplication } from "../../runtime/application-callback.ts";
import { isBearerToken } from "../../values/bearer-token.ts";
import { IssuerRequestError } from "../issuer-request.ts";

/**
 * Creates the configured client authentication (RFC 6749 section 2.3, RFC 7523 section 2.2, RFC 8705 section 2).
 *
 * The returned function rejects with an `IssuerRequestError` if a JWK cannot be imported, and with a {@link BearerTokenError}
 * if the callback `bearerToken` fails.
 */
export function clientAuthentication(configured: ClientAuthentication): ClientAuth {
  if (configured.method === "private_key_jwt") return privateKeyJwt(configured.key, configured.keyId);
  if (configured.method === "client_secret_basic") return clientSecretBasic(configured.secret);
  if (configured.method === "client_secret_post") return ClientSecretPost(configured.secret);
  if (configured.method === "bearer") return bearer(configured.bearerToken);
  // The TLS methods and the method none send only the client_id.
  return TlsClientAuth();
}

/** Thrown if the callback `bearerToken` fails. An error of the application, not of the issuer or the client. */
export class BearerTokenError extends Error {
  override readonly name = "BearerTokenError";
}

/** Authenticates with a separate access token (RFC 7662 section 2.1). */
function bearer(bearerToken: () => string | Promise<string>): ClientAuth {
  return async (_server, _client, _body, headers) => {
    headers.set("authorization", `Bearer ${await callBearerToken(bearerToken)}`);
  };
}

async function callBearerToken(bearerToken: () => string | Promise<string>): Promise<string> {
  let token: unknown;
  try {
    token = await callApplication("bearerToken", bearerToken);
  } catch (error) {
    const { message, cause } = error as Error;
    throw new BearerTokenError(message, { cause });
  }
  if (typeof token === "string" && isBearerToken(token)) return token;
  throw new BearerTokenError("certbound: bearerToken did not return a bearer token (RFC 6750 section 2.1)");
}

/**
 * Form-encodes the client ID and the secret (RFC 6749 section 2.3.1 and appendix B).
 *
 * `ClientSecretBasic` of oauth4webapi is not used, because it also encodes hyphens, dots, underscores and asterisks, which
 * most servers expect unencoded.
 */
function clientSecretBasic(secret: string): ClientAuth {
  return (_server, client, _body, headers) => {
    headers.set("authorization", `Basic ${btoa(`${formEncoded(client.client_id)}:${formEncoded(secret)}`)}`);
  };
}

function formEncoded(text: string): string {
  return new URLSearchParams([["", text]]).toString().slice(1);
}

/** Imports the key once, with the first request. */
function privateKeyJwt(key: CryptoKey | JWK, keyId: string | undefined): ClientAuth {
  let imported: Promise<ClientAuth> | undefined;
  const identified = (privateKey: CryptoKey) =>
    withoutPrototype(keyId === undefined ? { key: privateKey } : { key: privateKey, kid: keyId });
  const authentication = async (): Promise<ClientAuth> => {
    if (types.isCryptoKey(key)) return PrivateKeyJwt(identified(key));
    return PrivateKeyJwt(identified(await importPrivateKey(key)), {
      // The algorithm EdDSA has two names (RFC 9864). The `alg` of the JWK is used, because an issuer may look up the key by
      // this name.
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
    throw new IssuerRequestError("the clientKey cannot be imported (members from different keys?)");
  }
  return key;
}
