import { types } from "node:util";
import { type CryptoKey, importJWK, type JWK } from "jose";
import { type ClientAuth, ClientSecretPost, modifyAssertion, PrivateKeyJwt, TlsClientAuth } from "oauth4webapi";
import type { ClientAuthentication } from "../../options/introspection-configuration.ts";
import { withoutPrototype } from "../../values/object-member.ts";
import { callApplication } from "../../runtime/application-callback.ts";
import { isBearerToken } from "../../values/bearer-token.ts";
import { IssuerRequestError } from "../issuer-request.ts";

/**
 * Creates the client authentication that is configured (RFC 6749 section 2.3, RFC 7523 section 2.2, RFC 8705 section 2).
 *
 * It rejects with an `IssuerRequestError` when a JWK cannot be imported.
 */
export function clientAuthentication(configured: ClientAuthentication): ClientAuth {
  if (configured.method === "private_key_jwt") return privateKeyJwt(configured.key, configured.keyId);
  if (configured.method === "client_secret_basic") return clientSecretBasic(configured.secret);
  if (configured.method === "client_secret_post") return ClientSecretPost(configured.secret);
  if (configured.method === "bearer") return bearer(configured.bearerToken);
  // The identifier alone is also what the methods of TLS send.
  return TlsClientAuth();
}

/** Thrown if the callback `bearerToken` fails: an error of the application, not of the issuer or the client. */
export class BearerTokenError extends Error {
  override readonly name = "BearerTokenError";
}

/** RFC 7662 section 2.1: the API authenticates with an access token of its own. */
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
  throw new BearerTokenError("bearerToken did not return a bearer token (RFC 6750 section 2.1)");
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
    throw new IssuerRequestError("the clientKey cannot be used: do its parts belong together?");
  }
  return key;
}
