import {
  apache,
  awsAlb,
  azureApplicationGateway,
  azureAppService,
  azureContainerApps,
  caddy,
  type CertificateEncoding,
  cloudflare,
  cloudFoundry,
  cloudFront,
  envoy,
  type ForwardedCertificateFormat,
  forwardedHeader,
  gcp,
  haproxy,
  ingressNginx,
  kong,
  nginx,
  openShift,
  rfc9440,
  traefik,
} from "@certbound/core";
import { UsageError } from "../program.ts";

/** A format with its options, also as source code. */
export interface NamedFormat {
  readonly format: ForwardedCertificateFormat;
  readonly code: string;
}

type Define = (options: Readonly<Record<string, unknown>>) => ForwardedCertificateFormat;

const formats = {
  rfc9440,
  nginx,
  "ingress-nginx": ingressNginx,
  haproxy,
  apache,
  caddy,
  envoy,
  traefik,
  kong,
  "open-shift": openShift,
  "cloud-foundry": cloudFoundry,
  "aws-alb": awsAlb,
  "cloud-front": cloudFront,
  gcp,
  "azure-app-service": azureAppService,
  "azure-application-gateway": azureApplicationGateway,
  "azure-container-apps": azureContainerApps,
  cloudflare,
  // Core validates the options of every format, and throws a TypeError that names an invalid one.
  "forwarded-header": forwardedHeader as unknown as Define,
} as const satisfies Readonly<Record<string, Define>>;

/** The names of the formats: the names of core's functions in kebab case. */
export const formatNames: readonly string[] = Object.keys(formats);

/** The formats that can be guessed. For each header, the most likely one comes first. */
const guesses: readonly (readonly [keyof typeof formats, Readonly<Record<string, unknown>>])[] = [
  ["rfc9440", {}],
  ["nginx", {}],
  ["haproxy", {}],
  ["haproxy", { encoding: "sha256-hex" }],
  ["haproxy", { encoding: "sha256-base64url" }],
  ["apache", {}],
  ["caddy", {}],
  ["caddy", { encoding: "sha256-hex" }],
  ["envoy", {}],
  ["envoy", { elements: 2 }],
  ["cloud-foundry", {}],
  ["traefik", {}],
  ["kong", {}],
  ["aws-alb", {}],
  ["aws-alb", { mode: "passthrough" }],
  ["cloud-front", {}],
  ["gcp", {}],
  ["gcp", { encoding: "sha256-base64" }],
  ["azure-app-service", {}],
  ["azure-application-gateway", {}],
  ["cloudflare", {}],
  ["cloudflare", { encoding: "sha256-hex" }],
];

/** All encodings of core, the strictest first; a missing one is a compile error. */
const encodings = Object.keys({
  rfc9440: true,
  "pem-urlencoded": true,
  "pem-urlencoded-chain": true,
  "pem-spaces": true,
  "pem-base64": true,
  "der-base64": true,
  "der-base64-list": true,
  "sha256-hex": true,
  "sha256-base64url": true,
  "sha256-base64": true,
} satisfies Readonly<Record<CertificateEncoding, true>>);

/**
 * Creates a format by its name.
 *
 * @throws UsageError if the name is unknown, or core rejects the options
 */
export function namedFormat(name: string, options: Readonly<Record<string, unknown>> = {}): NamedFormat {
  const known = formatNames.find((one) => one === name || camelCase(one) === name);
  if (known === undefined) throw new UsageError(`--format must be one of ${formatNames.join(", ")}`);
  try {
    return createFormat(known as keyof typeof formats, options);
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(`--format-options: ${error.message}`);
    throw error;
  }
}

/** Returns the formats that read one of these headers; if there are none, every encoding of every header. */
export function possibleFormats(names: readonly string[]): readonly NamedFormat[] {
  const lower = new Set(names.map((name) => name.toLowerCase()));
  const byName = guesses
    .map(([name, options]) => createFormat(name, options))
    .filter(({ format }) => lower.has(format.header));
  if (byName.length > 0) return byName;
  return [...lower].flatMap((header) =>
    encodings.map((encoding) => createFormat("forwarded-header", { header, encoding })),
  );
}

function createFormat(name: keyof typeof formats, options: Readonly<Record<string, unknown>>): NamedFormat {
  const define: Define = formats[name];
  const members = Object.entries(options).map(([key, value]) => `${key}: ${JSON.stringify(value)}`);
  const code = members.length === 0 ? "" : `{ ${members.join(", ")} }`;
  return { format: define(options), code: `${camelCase(name)}(${code})` };
}

function camelCase(name: string): string {
  return name.replaceAll(/-(\w)/g, (_match, letter: string) => letter.toUpperCase());
}
