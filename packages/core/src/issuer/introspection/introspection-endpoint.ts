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

/** The endpoint at which one issuer answers about tokens (RFC 7662 section 2). */
export interface IntrospectionEndpoint {
  /**
   * Says where it is.
   *
   * @throws IssuerRequestError
   */
  locate(): Promise<string>;
  /**
   * Makes sure that it is known, and that this API can authenticate; nothing is sent to it.
   *
   * @throws IssuerRequestError
   */
  ready(): Promise<void>;
  /**
   * Asks about a token. What is said of an active one, its `active` apart, was not looked at. The request is sent once more if
   * its connection fails before the headers of a response have arrived; both together have the time limit of one request, to
   * which the calls of `bearerToken` add their own.
   *
   * @throws IssuerRequestError for whatever is no introspection response; nothing is known of the token then
   */
  introspect(token: string): Promise<JsonObject>;
}

/**
 * Creates the endpoint; a signed answer (RFC 9701) is verified with the keys of the issuer.
 *
 * @param elapsed milliseconds that only ever grow
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
      if (response.status !== 200) throw new IssuerRequestError(unexpected(response.status, authentication));
      const { audience } = issuer;
      const rules = { ...parties, keys, audience, requiresSignature: signedResponse, verifier };
      return readIntrospectionResponse(response, rules);
    },
  };
}

/**
 * Sends a request once more when the connection fails before the headers of a response have arrived: the server may have
 * closed a connection that it had kept alive. An introspection request changes nothing at the server.
 *
 * `fetch` does not tell whether a part of the headers had arrived: then the request is sent once more as well.
 */
async function sendTwiceAtMost(send: () => Promise<Response>): Promise<Response> {
  try {
    return await send();
  } catch (error) {
    if (error instanceof ConnectionError) return send();
    throw error;
  }
}

/** Reads the endpoint of metadata: for clients with a certificate the alias, if there is one (RFC 8705 section 5). */
function endpointIn(metadata: IssuerMetadata<"introspection_endpoint">, hasCertificate: boolean): string {
  const aliases: unknown = metadata.mtls_endpoint_aliases;
  const alias = hasCertificate && isJsonObject(aliases) ? ownMember(aliases, "introspection_endpoint") : undefined;
  if (alias === undefined) return metadata.introspection_endpoint;
  if (typeof alias === "string" && isHttpsUrl(alias)) return alias;
  throw new IssuerRequestError("the metadata document of the issuer has an mtls_endpoint_aliases without https");
}

const otherMethod = '; some servers need clientAuthentication "client_secret_post"';

function unexpected(status: number, { method }: ClientAuthentication): string {
  const hint = method === "client_secret_basic" ? otherMethod : "";
  const hints = new Map([
    [400, ": does it answer about tokens of this kind?"],
    [401, `: are the credentials of this API right?${hint}`],
  ]);
  return `the introspection endpoint answered with status ${status}${hints.get(status) ?? ""}`;
}
