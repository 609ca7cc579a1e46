import { apache } from "../../src/proxy/formats/apache.ts";
import { awsAlb, cloudFront } from "../../src/proxy/formats/aws.ts";
import { azureApplicationGateway, azureAppService, azureContainerApps } from "../../src/proxy/formats/azure.ts";
import { caddy } from "../../src/proxy/formats/caddy.ts";
import { cloudFoundry } from "../../src/proxy/formats/cloud-foundry.ts";
import { cloudflare } from "../../src/proxy/formats/cloudflare.ts";
import { envoy } from "../../src/proxy/formats/envoy.ts";
import { forwardedHeader } from "../../src/proxy/formats/forwarded-header.ts";
import { gcp } from "../../src/proxy/formats/gcp.ts";
import { haproxy, openShift } from "../../src/proxy/formats/haproxy.ts";
import { ingressNginx, nginx } from "../../src/proxy/formats/nginx.ts";
import { kong } from "../../src/proxy/formats/kong.ts";
import { rfc9440 } from "../../src/proxy/formats/rfc9440.ts";
import { traefik } from "../../src/proxy/formats/traefik.ts";
import type { ForwardedCertificateFormat } from "../../src/proxy/forwarded-format.ts";

/** Every format in each of its encodings. All work with one trust rule, because none of them requires a secret here. */
export const formats = {
  rfc9440: rfc9440(),
  nginx: nginx(),
  ingressNginx: ingressNginx({ dangerouslyAssumeHeaderStripped: true }),
  haproxy: haproxy(),
  "haproxy rfc9440": haproxy({ encoding: "rfc9440" }),
  "haproxy sha256-hex": haproxy({ encoding: "sha256-hex" }),
  "haproxy sha256-base64url": haproxy({ encoding: "sha256-base64url" }),
  openShift: openShift(),
  apache: apache(),
  caddy: caddy(),
  "caddy sha256-hex": caddy({ encoding: "sha256-hex" }),
  envoy: envoy(),
  azureContainerApps: azureContainerApps(),
  cloudFoundry: cloudFoundry(),
  traefik: traefik(),
  awsAlb: awsAlb(),
  "awsAlb passthrough": awsAlb({ mode: "passthrough" }),
  cloudFront: cloudFront(),
  gcp: gcp(),
  "gcp sha256-base64": gcp({ encoding: "sha256-base64" }),
  azureAppService: azureAppService(),
  azureApplicationGateway: azureApplicationGateway(),
  cloudflare: cloudflare(),
  "cloudflare sha256-hex": cloudflare({ encoding: "sha256-hex" }),
  "cloudflare rfc9440": cloudflare({ encoding: "rfc9440" }),
  kong: kong({ dangerouslyAssumeHeaderStripped: true }),
  "akamai, by forwardedHeader": forwardedHeader({ header: "akamai-cc-der", encoding: "rfc9440" }),
  "a custom hash, by forwardedHeader": forwardedHeader({ header: "x-client-cert-hash", encoding: "sha256-base64" }),
} satisfies Readonly<Record<string, ForwardedCertificateFormat>>;

/** The name of a format with an encoding. */
export type FormatName = keyof typeof formats;

/** The functions that create the formats; their options are untyped. */
export const factories: readonly (readonly [string, (options?: never) => ForwardedCertificateFormat])[] = [
  ["rfc9440", rfc9440],
  ["nginx", nginx],
  ["ingressNginx", ingressNginx],
  ["haproxy", haproxy],
  ["openShift", openShift],
  ["apache", apache],
  ["caddy", caddy],
  ["envoy", envoy],
  ["azureContainerApps", azureContainerApps],
  ["cloudFoundry", cloudFoundry],
  ["traefik", traefik],
  ["awsAlb", awsAlb],
  ["cloudFront", cloudFront],
  ["gcp", gcp],
  ["azureAppService", azureAppService],
  ["azureApplicationGateway", azureApplicationGateway],
  ["cloudflare", cloudflare],
  ["kong", kong],
];
