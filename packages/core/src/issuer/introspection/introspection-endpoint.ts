import {
  allowInsecureRequests,
  type AuthorizationServer,
  type Client,
  clockSkew,
  clockTolerance,
  customFetch,
  introspectionRequest,
  type IntrospectionRequestOptions,
} from "oauth4webapi";
import { currentTime } from "../../runtime/clock.ts";
import type { IssuerConfiguration, VerifierConfiguration } from "../../options/configuration.ts";
import {
  type ClientAuthentication,
  type IntrospectionConfiguration,
  isMutualTls,
} from "../../options/introspection-configuration.ts";
import { discoverMetadata, type IssuerMetadata } from "../discovery.ts";
import { boundedFetch, ConnectionError, IssuerRequestError, startTimeLimit } from "../issuer-request.ts";
import { createRemoteValue } from "../remote-value.ts";
import { isJsonObject, type JsonObject, ownMember } from "../../values/json-object.ts";
import type { KeySource } from "../keys/key-source.ts";
import { withoutPrototype } from "../../values/object-member.ts";
import { isHttpsUrl, isLoopbackUrl } from "../../values/secure-url.ts";
import { clientAuthentication } from "./client-authentication.ts";
import { readIntrospectionResponse } from "./introspection-response.ts";
import { mutualTlsFetch } from "./mutual-tls-fetch.ts";

/** The introspection endpoint of an issuer (RFC 7662 section 2). */
export interface IntrospectionEndpoint {
  /**
   * Returns the URL of the endpoint.
   *
   * @throws IssuerRequestError
   */
  locate(): Promise<string>;
  /**
   * Locates the endpoint and prepares the client authentication. Does not send a request to the endpoint.
   *
   * @throws IssuerRequestError
   */
  ready(): Promise<void>;
  /**
   * Introspects a token. Checks only that the response is well-formed, not its claims.
   *
   * Sends the request once more if the connection fails before the headers of a response arrive. Both attempts share the time
   * limit of one request; calls of `bearerToken` have a separate limit.
   *
   * @throws IssuerRequestError if the endpoint does not return an introspection response
   */
  introspect(token: string): Promise<JsonObject>;
}

/**
 * Creates the endpoint of an issuer.
 *
 * @param keys verify signed responses (RFC 9701)
 * @param elapsed a monotonic clock in milliseconds
 */
export function createIntrospectionEndpoint(
  issuer: IssuerConfiguration & { readonly introspection: IntrospectionConfiguration },
  verifier: Pick<VerifierConfiguration, "fetch" | "clock" | "clockTolerance">,
  keys: KeySource,
  elapsed?: () => number,
): IntrospectionEndpoint {
  const { endpoint, clientId, authentication, signedResponse, tokenTypeHint } = issuer.introspection;
  const tls = isMutualTls(authentication) ? authentication.tls : undefined;
  const fetch = boundedFetch(tls === undefined ? verifier.fetch : mutualTlsFetch(tls));
  const authenticate = clientAuthentication(authentication);

  const metadata = createRemoteValue(
    () => discoverMetadata(issuer.issuer, "introspection_endpoint", boundedFetch(verifier.fetch)),
    { elapsed },
  );
  const locate = async (): Promise<string> => {
    if (endpoint !== undefined) return endpoint.href;
    const found = metadata.current() ?? (await metadata.refreshed());
    return endpointIn(found, isMutualTls(authentication));
  };

  const server = (url: string): AuthorizationServer =>
    withoutPrototype({
      issuer: issuer.issuer,
      introspection_endpoint: url,
      introspection_signing_alg_values_supported: [...issuer.algorithms],
    });
  const client = (): Client =>
    withoutPrototype({
      client_id: clientId,
      [clockSkew]: Math.floor(currentTime(verifier.clock)) - Math.floor(Date.now() / 1000),
      [clockTolerance]: verifier.clockTolerance,
    });

  return {
    locate,
    async ready() {
      await authenticate(server(await locate()), client(), new URLSearchParams(), new Headers());
    },
    async introspect(token) {
      const url = await locate();
      const parties = { server: server(url), client: client() };
      let signal: AbortSignal | undefined;
      const options: IntrospectionRequestOptions = {
        additionalParameters: tokenTypeHint ? { token_type_hint: "access_token" } : {},
        requestJwtResponse: signedResponse,
        [customFetch]: (target, { body, headers }) => {
          signal ??= startTimeLimit();
          return fetch(target, { method: "POST", body, headers, signal });
        },
        [allowInsecureRequests]: isLoopbackUrl(url),
      };
      const response = await sendTwiceAtMost(() =>
        introspectionRequest(parties.server, parties.client, authenticate, token, withoutPrototype(options)),
      );
      if (response.status !== 200) throw new IssuerRequestError(unexpectedStatus(response.status, authentication));
      const { audience } = issuer;
      const rules = { ...parties, keys, audience, requiresSignature: signedResponse, verifier };
      return readIntrospectionResponse(response, rules);
    },
  };
}

/**
 * Sends a request, and sends it once more if the connection fails before the headers of a response arrive: the server may
 * have closed a kept-alive connection. This is safe because an introspection request does not change anything.
 *
 * Also sends it once more if only a part of the headers arrived, because `fetch` does not report this.
 */
async function sendTwiceAtMost(send: () => Promise<Response>): Promise<Response> {
  try {
    return await send();
  } catch (error) {
    if (error instanceof ConnectionError) return send();
    throw error;
  }
}

/**
 * Returns the endpoint from the metadata. For a client with a certificate, prefers the mutual-TLS alias (RFC 8705 section 5).
 */
function endpointIn(metadata: IssuerMetadata<"introspection_endpoint">, hasCertificate: boolean): string {
  const aliases: unknown = metadata.mtls_endpoint_aliases;
  const alias = hasCertificate && isJsonObject(aliases) ? ownMember(aliases, "introspection_endpoint") : undefined;
  if (alias === undefined) return metadata.introspection_endpoint;
  if (typeof alias === "string" && isHttpsUrl(alias)) return alias;
  throw new IssuerRequestError(
    "the introspection_endpoint in mtls_endpoint_aliases of the metadata is not an https URL",
  );
}

const basicHint = ', or does the server require clientAuthentication "client_secret_post"';

function unexpectedStatus(status: number, { method }: ClientAuthentication): string {
  const hint = method === "client_secret_basic" ? basicHint : "";
  const hints = new Map([
    [400, " (does the endpoint support this type of token?)"],
    [401, ` (wrong credentials of this API${hint}?)`],
  ]);
  return `the introspection endpoint responded with status ${status}${hints.get(status) ?? ""}`;
}
