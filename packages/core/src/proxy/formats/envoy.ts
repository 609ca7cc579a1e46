import { rejected } from "../../errors.ts";
import { knownOptions, nonEmptyString, type OptionRules } from "../../values/known-options.ts";
import type { ClientCertificate } from "../../certificate/client-certificate.ts";
import { headerRules, type HeaderOptions } from "../define-format.ts";
import { decoders } from "../encodings.ts";
import type { ForwardedCertificateFormat } from "../forwarded-format.ts";
import { parseXfcc, type XfccElement } from "../xfcc.ts";

/** Options of {@link envoy}, for requests that pass through several proxies that write `x-forwarded-client-cert`. */
export interface EnvoyOptions extends HeaderOptions {
  /** The exact number of elements, one per proxy that appends an element. Default 1. */
  readonly elements?: number | undefined;
  /** The index of the client's element, from 0. Default: the last element, which the proxy next to this server wrote. */
  readonly index?: number | undefined;
  /** The `URI` that the last element must have. It identifies the second-to-last proxy, such as the gateway of the mesh. */
  readonly lastHopUri?: string | undefined;
}

const rules: OptionRules<EnvoyOptions> = {
  ...headerRules,
  elements: { expected: "a whole number from 1 to 16", accepts: (value) => isWhole(value, 1, 16) },
  index: { expected: "a whole number, less than elements", accepts: (value) => isWhole(value, 0, 15) },
  lastHopUri: nonEmptyString,
};

/**
 * Envoy and Istio: `x-forwarded-client-cert` (XFCC). Reads `Hash`; if the element also has `Cert`, it must match `Hash`.
 *
 * At the edge, set `forward_client_cert_details: SANITIZE_SET`. If a sidecar appends to the header of a gateway, there are two
 * elements, with the client's first: `{ elements: 2, index: 0, lastHopUri: "spiffe://..." }`. `lastHopUri` is the URI of the
 * gateway. Without it, any workload of the mesh can send a forged first element.
 *
 * @example
 * <!-- source: test/api-examples/core.proxies.examples.ts#envoy -->
 * ```ts
 * // A gateway and a sidecar of Istio; for a single Envoy at the edge: envoy()
 * const gatewayUri = "spiffe://cluster.local/ns/istio-system/sa/istio-ingressgateway-service-account";
 * const trust = { secret: { header: "x-proxy-secret", value: proxySecret } };
 * const authenticator = createAuthenticator({
 *   issuer: "https://auth.example.com",
 *   audience: "https://api.example.com",
 *   certificateResolver: fromProxy(envoy({ elements: 2, index: 0, lastHopUri: gatewayUri }), { trust }),
 * });
 * ```
 * @category Proxy formats
 */
export function envoy(options: EnvoyOptions = {}): ForwardedCertificateFormat {
  const given = knownOptions("the options of the format", options, rules, "not-given");
  const { header = "x-forwarded-client-cert", elements: count = 1, index = count - 1, lastHopUri } = given;
  if (index >= count) throw new TypeError('certbound: option "index" of the format must be less than "elements"');
  return Object.freeze({
    header,
    decode: (value: string) => {
      const elements = parseXfcc(value);
      if (elements.length !== count)
        throw rejected("ERR_CERTIFICATE_MALFORMED", `the value has ${elements.length} elements instead of ${count}`);
      if (lastHopUri !== undefined) requireUri(elements.at(-1), lastHopUri);
      return certificateOf(elements.at(index));
    },
  });
}

function certificateOf(element: XfccElement | undefined): ClientCertificate | undefined {
  const hash = single(element, "hash");
  const cert = single(element, "cert");
  // Envoy always sends Hash. In an element without it, Cert may come from a URI in the client's certificate.
  if (hash === undefined) throw rejected("ERR_CERTIFICATE_MALFORMED", "the element does not have a Hash");
  const byHash = decoders["sha256-hex"](hash);
  if (cert === undefined) return byHash;
  const byCert = decoders["pem-urlencoded"](cert);
  if (byCert?.thumbprint !== byHash?.thumbprint)
    throw rejected("ERR_CERTIFICATE_MALFORMED", "Hash and Cert of the element do not match");
  return byCert;
}

/** Returns the value of a key. Rejects a repeated key, because a URI, which Envoy does not quote, can inject pairs. */
function single(element: XfccElement | undefined, key: string): string | undefined {
  const values = element?.get(key) ?? [];
  if (values.length > 1)
    throw rejected("ERR_CERTIFICATE_MALFORMED", `the element has ${key} ${values.length} times instead of once`);
  return values.at(0);
}

function requireUri(element: XfccElement | undefined, uri: string): void {
  if (single(element, "uri") === uri) return;
  throw rejected("ERR_CERTIFICATE_UNTRUSTED", "the URI of the last element does not match lastHopUri");
}

function isWhole(value: unknown, minimum: number, maximum: number): boolean {
  return Number.isSafeInteger(value) && Number(value) >= minimum && Number(value) <= maximum;
}
