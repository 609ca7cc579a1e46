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

/** A format with its options, and how it is written in code. */
export interface WrittenFormat {
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
  // Core checks the options of all of them itself: what is missing, unknown or ill-typed is a TypeError that names it.
  "forwarded-header": forwardedHeader as unknown as Define,
} as const satisfies Readonly<Record<string, Define>>;

/** The names of the formats: those of core's functions, in lower case and with hyphens. */
export const formatNames: readonly string[] = Object.keys(formats);

/** Those that a guess is made from, the likeliest of each header first; options where a format has several forms. */
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

/** Every encoding that core decodes, the strictest first; one that is not named here does not compile. */
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
 * Makes the format of a name.
 *
 * @throws UsageError when there is none of that name, or core rejects the options
 */
export function namedFormat(name: string, options: Readonly<Record<string, unknown>> = {}): WrittenFormat {
  const known = formatNames.find((one) => one === name || camelCase(one) === name);
  if (known === undefined) throw new UsageError(`--format must be one of ${formatNames.join(", ")}`);
  try {
    return written(known as keyof typeof formats, options);
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(`--format-options: ${error.message}`);
    throw error;
  }
}

/** The formats that a request with these headers may be in: by name, or else in every encoding. */
export function possibleFormats(names: readonly string[]): readonly WrittenFormat[] {
  const lower = new Set(names.map((name) => name.toLowerCase()));
  const byName = guesses
    .map(([name, options]) => written(name, options))
    .filter(({ format }) => lower.has(format.header));
  if (byName.length > 0) return byName;
  return [...lower].flatMap((header) => encodings.map((encoding) => written("forwarded-header", { header, encoding })));
}

function written(name: keyof typeof formats, options: Readonly<Record<string, unknown>>): WrittenFormat {
  const define: Define = formats[name];
  const members = Object.entries(options).map(([key, value]) => `${key}: ${JSON.stringify(value)}`);
  const code = members.length === 0 ? "" : `{ ${members.join(", ")} }`;
  return { format: define(options), code: `${camelCase(name)}(${code})` };
}

function camelCase(name: string): string {
  return name.replaceAll(/-(\w)/g, (_match, letter: string) => letter.toUpperCase());
}
