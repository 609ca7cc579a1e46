import { emitWarning } from "node:process";
import type { IssuerConfiguration, VerifierConfiguration } from "./configuration.ts";
import { isMutualTls } from "./introspection-configuration.ts";
import { withoutPrototype } from "../values/object-member.ts";
import { isTlsUnverified } from "./verifier-options.ts";
import { isHttpsUrl } from "../values/secure-url.ts";

const WARNING =
  "NODE_TLS_REJECT_UNAUTHORIZED=0 makes fetch accept every TLS server: anyone on the network path to the issuer can forge " +
  "its keys and introspection responses, and so every access token. Unset the variable; for an issuer with a private CA, " +
  "set NODE_EXTRA_CA_CERTS or pass the option fetch";

/**
 * Creates the function that warns, once, that Node.js does not verify TLS servers although a verifier fetches keys, metadata
 * or introspection responses over https: `process.emitWarning` with the code `CERTBOUND_TLS_UNVERIFIED`.
 *
 * Does not warn about another `fetch` than the global one, nor about connections with `clientTls`, which verify the server
 * whatever the variable says.
 */
export function createTlsWarning(): (configuration: VerifierConfiguration) => void {
  let isEmitted = false;
  return ({ fetch, issuers, issuerFunction }) => {
    if (isEmitted || fetch !== globalThis.fetch || !isTlsUnverified()) return;
    if (issuerFunction === undefined && !issuers.some(isFetchedOverTls)) return;
    isEmitted = true;
    emitWarning(WARNING, withoutPrototype({ type: "CertboundWarning", code: "CERTBOUND_TLS_UNVERIFIED" }));
  };
}

/** Tells whether keys, metadata or introspection responses of an issuer are fetched from an https URL. */
function isFetchedOverTls({ issuer, keys, introspection }: IssuerConfiguration): boolean {
  const urls: (string | URL)[] = [];
  if (keys.kind === "discovery") urls.push(issuer);
  if (keys.kind === "url") urls.push(keys.url);
  if (introspection !== undefined) {
    const { endpoint, authentication } = introspection;
    // The metadata of the issuer says where the endpoint is.
    if (endpoint === undefined) urls.push(issuer);
    else if (!isMutualTls(authentication) || authentication.tls === undefined) urls.push(endpoint);
  }
  return urls.some(isHttpsUrl);
}
