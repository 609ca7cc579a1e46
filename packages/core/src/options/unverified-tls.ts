import { emitWarning } from "node:process";
import type { IssuerConfiguration, VerifierConfiguration } from "./configuration.ts";
import { isMutualTls } from "./introspection-configuration.ts";
import { withoutPrototype } from "../values/object-member.ts";
import { isTlsUnverified } from "./verifier-options.ts";
import { isHttpsUrl } from "../values/secure-url.ts";

const WARNING =
  "NODE_TLS_REJECT_UNAUTHORIZED=0 makes fetch accept every TLS server: anyone on the network path to the issuer can forge " +
  "its keys and introspection responses, and therefore every access token. Unset the variable; for an issuer with a private CA, " +
  "set NODE_EXTRA_CA_CERTS or pass the option fetch";

/**
 * Creates a function that emits the warning `CERTBOUND_TLS_UNVERIFIED` once, if Node.js does not verify TLS servers and the
 * verifier fetches keys, metadata or introspection responses over https.
 *
 * Does not warn if there is a custom `fetch`, nor about connections with `clientTls`, which always verify the server.
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

/** Returns whether keys, metadata or introspection responses of an issuer are fetched from an https URL. */
function isFetchedOverTls({ issuer, keys, introspection }: IssuerConfiguration): boolean {
  const urls: (string | URL)[] = [];
  if (keys.kind === "discovery") urls.push(issuer);
  if (keys.kind === "url") urls.push(keys.url);
  if (introspection !== undefined) {
    const { endpoint, authentication } = introspection;
    // The endpoint comes from the issuer's metadata.
    if (endpoint === undefined) urls.push(issuer);
    else if (!isMutualTls(authentication) || authentication.tls === undefined) urls.push(endpoint);
  }
  return urls.some(isHttpsUrl);
}
