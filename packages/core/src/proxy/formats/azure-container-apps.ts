import { knownOptions } from "../../values/known-options.ts";
import { headerRules, type HeaderOptions } from "../define-format.ts";
import type { ForwardedCertificateFormat } from "../forwarded-format.ts";
import { envoy } from "./envoy.ts";

/**
 * Azure Container Apps with `clientCertificateMode`: `X-Forwarded-Client-Cert: Hash=...;Cert="...";Chain="..."`.
 *
 * In the mode `accept` the platform verifies nothing.
 */
export function azureContainerApps(options: HeaderOptions = {}): ForwardedCertificateFormat {
  return envoy(knownOptions("the options of the format", options, headerRules, "not-given"));
}
