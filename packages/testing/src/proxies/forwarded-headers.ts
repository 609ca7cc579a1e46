import { xfccHopElement } from "./forwarded-certificate.ts";
import type { ForwardingProxies, ForwardingProxy } from "./forwarding-options.ts";
import { forwardingProxies } from "./forwarding-proxies.ts";
import type { CertificateHeader, ForwardingProxyDefinition } from "./forwarding-proxies.ts";
import type { Identity } from "../certificates/identity.ts";
import { assertKnownOptions } from "../known-options.ts";

/** The union of the options of all proxies. */
interface Settings {
  readonly header?: string;
  readonly verifyHeader?: string;
  readonly usedHeader?: string;
  readonly verified?: boolean;
  readonly legacy?: true;
  readonly encoding?: string;
  readonly mode?: string;
  readonly via?: Pick<Identity, "certificate" | "chain">;
}

/**
 * Returns the headers that a proxy sends for a client with or without a certificate.
 *
 * Returns only the headers that certbound's format of the same name reads: a header with the subject, for example, is left
 * out. Omits the certificate header if the proxy removes it for a client without a certificate. Does not add the shared secret
 * of a trust rule.
 *
 * @example
 * <!-- source: test/api-examples/testing.examples.ts#forwardedHeaders -->
 * ```ts
 * const { status } = await fetch(`${url}/accounts`, {
 *   headers: {
 *     ...forwardedHeaders("nginx", client), // ssl-client-cert and ssl-client-verify
 *     "x-proxy-secret": proxySecret,
 *     authorization: `Bearer ${token}`,
 *   },
 * });
 * ```
 *
 * @param identity the client's certificate; null for a client without one
 * @throws TypeError for an unknown proxy or option, an invalid value, or an identity without a certificate
 */
export function forwardedHeaders<Proxy extends ForwardingProxy>(
  proxy: Proxy,
  identity: Pick<Identity, "certificate" | "chain"> | null,
  options?: ForwardingProxies[Proxy],
): Record<string, string> {
  if (!Object.hasOwn(forwardingProxies, proxy)) {
    throw new TypeError(`Unknown proxy "${proxy}". Known: ${Object.keys(forwardingProxies).join(", ")}`);
  }
  const definition = forwardingProxies[proxy];
  const settings: Settings = options ?? {};
  assertSettings(settings, definition);
  const certificate = identity === null ? null : certificateOf(identity);
  const header = chooseHeader(definition, settings);
  const value = certificate === null ? header.none : header.write(certificate);
  const hop = settings.via && value !== undefined ? `,${xfccHopElement(certificateOf(settings.via))}` : "";
  const { verification } = definition;
  return {
    ...(value !== undefined && { [settings.header ?? header.name]: value + hop }),
    ...(settings.usedHeader !== undefined && { [settings.usedHeader]: certificate === null ? "0" : "1" }),
    ...(verification && {
      [settings.verifyHeader ?? verification.name]: verificationResult(verification, certificate, settings),
    }),
  };
}

function certificateOf(identity: Pick<Identity, "certificate" | "chain">): string {
  const { certificate, chain = "" } = (identity ?? {}) as { readonly certificate?: unknown; readonly chain?: string };
  if (typeof certificate !== "string")
    throw new TypeError("The identity has no certificate; use null for a client without one");
  return certificate + chain;
}

function chooseHeader({ headers, choice }: ForwardingProxyDefinition, settings: Settings): CertificateHeader {
  const [defaultName = ""] = Object.keys(headers);
  const wanted = (choice && settings[choice]) ?? defaultName;
  const header = Object.hasOwn(headers, wanted) ? headers[wanted] : undefined;
  if (header === undefined) {
    throw new TypeError(`${choice ?? "header"} "${wanted}" is not one of ${Object.keys(headers).join(", ")}`);
  }
  return settings.legacy ? { ...header, ...header.legacy } : header;
}

function verificationResult(
  { success, failure = success, none }: NonNullable<ForwardingProxyDefinition["verification"]>,
  certificate: string | null,
  { verified = true }: Settings,
): string {
  if (certificate === null) return none;
  return verified ? success : failure;
}

const fieldName = /^[\w!#$%&'*+.^`|~-]+$/;

function assertSettings(settings: Settings, definition: ForwardingProxyDefinition): void {
  const { headers, choice, verification, additionalOptions = [] } = definition;
  assertKnownOptions(settings, [
    "header",
    ...(verification ? ["verifyHeader"] : []),
    ...(verification?.failure === undefined ? [] : ["verified"]),
    ...(choice === undefined ? [] : [choice]),
    ...(Object.values(headers).some(({ legacy }) => legacy) ? ["legacy"] : []),
    ...additionalOptions,
  ]);
  for (const option of ["header", "verifyHeader", "usedHeader"] as const) {
    const name: unknown = settings[option];
    if (name !== undefined && (typeof name !== "string" || !fieldName.test(name))) {
      throw new TypeError(`${option} is not the name of a header field`);
    }
  }
  const { verified, legacy }: { readonly verified?: unknown; readonly legacy?: unknown } = settings;
  if (verified !== undefined && typeof verified !== "boolean") throw new TypeError("verified is not true or false");
  if (legacy !== undefined && legacy !== true) throw new TypeError("legacy is not true or undefined");
}
