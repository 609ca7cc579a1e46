import { rejected } from "../../errors.ts";
import { knownOptions, nonEmptyString, type OptionRules } from "../../values/known-options.ts";
import type { ClientCertificate } from "../../certificate/client-certificate.ts";
import { headerRules, type HeaderOptions } from "../define-format.ts";
import { decoders } from "../encodings.ts";
import type { ForwardedCertificateFormat } from "../forwarded-format.ts";
import { parseXfcc, type XfccElement } from "../xfcc.ts";

/** Which of the hops that write `x-forwarded-client-cert` says who the client is. */
export interface EnvoyOptions extends HeaderOptions {
  /** How many elements there must be, exactly: one for each proxy that appends. Default 1. */
  readonly elements?: number | undefined;
  /** Which of them is the client's, from 0. Default: the last, which the proxy next to this server wrote. */
  readonly index?: number | undefined;
  /** The URI that the last element must have, and no other: the proxy before the last one, such as the mesh's gateway. */
  readonly lastHopUri?: string | undefined;
}

const rules: OptionRules<EnvoyOptions> = {
  ...headerRules,
  elements: { expected: "a whole number from 1 to 16", accepts: (value) => isWhole(value, 1, 16) },
  index: { expected: "a whole number, less than elements", accepts: (value) => isWhole(value, 0, 15) },
  lastHopUri: nonEmptyString,
};

/**
 * Envoy and Istio: `x-forwarded-client-cert` (XFCC), by `Hash`, which must agree with `Cert` where that is sent too.
 *
 * At the edge, set `forward_client_cert_details: SANITIZE_SET`. With a gateway and a sidecar that appends there are two
 * elements, the client's first: `{ elements: 2, index: 0, lastHopUri: "spiffe://..." }`, where the URI is the gateway's,
 * since any workload of the mesh can send a first element of its own.
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
        throw rejected("ERR_CERTIFICATE_MALFORMED", `the value has ${elements.length} elements, not ${count}`);
      if (lastHopUri !== undefined) requireUri(elements.at(-1), lastHopUri);
      return certificateOf(elements.at(index));
    },
  });
}

function certificateOf(element: XfccElement | undefined): ClientCertificate | undefined {
  const hash = single(element, "hash");
  const cert = single(element, "cert");
  // Envoy always sends Hash; without it, a Cert may be text that a client put into its own URI.
  if (hash === undefined) throw rejected("ERR_CERTIFICATE_MALFORMED", "the element has no Hash");
  const byHash = decoders["sha256-hex"](hash);
  if (cert === undefined) return byHash;
  const byCert = decoders["pem-urlencoded"](cert);
  if (byCert?.thumbprint !== byHash?.thumbprint)
    throw rejected("ERR_CERTIFICATE_MALFORMED", "Hash and Cert of the element do not agree");
  return byCert;
}

/** Certificates can smuggle pairs in through a URI, which Envoy writes without quotes: what is there twice, counts not. */
function single(element: XfccElement | undefined, key: string): string | undefined {
  const values = element?.get(key) ?? [];
  if (values.length > 1) throw rejected("ERR_CERTIFICATE_MALFORMED", `the element has ${key} ${values.length} times`);
  return values.at(0);
}

function requireUri(element: XfccElement | undefined, uri: string): void {
  if (single(element, "uri") === uri) return;
  const detail = "the last element is not from the proxy that lastHopUri names";
  throw rejected("ERR_CERTIFICATE_UNTRUSTED", detail);
}

function isWhole(value: unknown, least: number, most: number): boolean {
  return Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most;
}
