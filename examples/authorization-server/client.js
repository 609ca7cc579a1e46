import { clientCredentialsGrant, customFetch, discovery, TlsClientAuth } from "openid-client";
import { Agent, fetch } from "undici";

/** Creates a fetch that trusts a private CA, and presents the certificate of an identity if one is given. */
export function createFetch({ ca, identity }) {
  const dispatcher = new Agent({ connect: { ca, cert: identity?.certificate, key: identity?.key } });
  return {
    fetch: (url, init) => fetch(url, { ...init, dispatcher }),
    close: () => dispatcher.close(),
  };
}

/** Requests an access token for an API. The client authenticates only by the certificate that `fetch` presents. */
export async function requestToken({ issuer, clientId, resource, scope, fetch: fetchOverTls }) {
  const metadata = { use_mtls_endpoint_aliases: true };
  const options = { [customFetch]: fetchOverTls };
  const configuration = await discovery(new URL(issuer), clientId, metadata, TlsClientAuth(), options);
  const { access_token: token } = await clientCredentialsGrant(configuration, { resource, scope });
  return token;
}

/** Calls an API with an access token. */
export async function callApi(url, { token, fetch: fetchOverTls }) {
  const response = await fetchOverTls(url, { headers: { authorization: `Bearer ${token}` } });
  return { status: response.status, body: await response.json() };
}
