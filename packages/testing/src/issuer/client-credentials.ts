import { randomBytes } from "node:crypto";

/** The credentials of a client of the issuer, such as the API that introspects tokens. */
export interface ClientCredentials {
  readonly clientId: string;
  readonly clientSecret: string;
}

/** The credentials in a request; a member is undefined if it is missing or malformed. */
type PresentedCredentials = { readonly [Part in keyof ClientCredentials]: string | undefined };

/** Creates credentials with a random secret. */
export function createClientCredentials(clientId: string): ClientCredentials {
  return { clientId, clientSecret: randomBytes(32).toString("base64url") };
}

/**
 * Checks whether a request authenticates a client by its secret (RFC 6749 section 2.3.1).
 *
 * Reads the credentials from the Authorization header (client_secret_basic) if the request has one, otherwise from the
 * form (client_secret_post).
 */
export function authenticates(
  client: ClientCredentials,
  authorization: string | undefined,
  form: URLSearchParams,
): boolean {
  const presented = authorization === undefined ? formCredentials(form) : basicCredentials(authorization);
  return presented.clientId === client.clientId && presented.clientSecret === client.clientSecret;
}

function formCredentials(form: URLSearchParams): PresentedCredentials {
  return { clientId: onlyValue(form, "client_id"), clientSecret: onlyValue(form, "client_secret") };
}

function onlyValue(form: URLSearchParams, name: string): string | undefined {
  const values = form.getAll(name);
  return values.length === 1 ? values[0] : undefined;
}

function basicCredentials(authorization: string): PresentedCredentials {
  const [, encoded = ""] = /^basic +(\S+)$/i.exec(authorization) ?? [];
  const [, user, password] = /^(.*?):(.*)$/s.exec(Buffer.from(encoded, "base64").toString()) ?? [];
  return { clientId: decodeFormValue(user), clientSecret: decodeFormValue(password) };
}

function decodeFormValue(value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  try {
    return decodeURIComponent(value.replaceAll("+", " "));
  } catch (error) {
    // Malformed percent-encoding does not match any client.
    if (error instanceof URIError) return undefined;
    throw error;
  }
}
