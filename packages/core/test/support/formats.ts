import { apache } from "../../src/resolvers/formats/apache.ts";
import { awsAlb } from "../../src/resolvers/formats/aws-alb.ts";
import { azureAppService } from "../../src/resolvers/formats/azure-app-service.ts";
import { azureApplicationGateway } from "../../src/resolvers/formats/azure-application-gateway.ts";
import { azureContainerApps } from "../../src/resolvers/formats/azure-container-apps.ts";
import { caddy } from "../../src/resolvers/formats/caddy.ts";
import { cloudFoundry } from "../../src/resolvers/formats/cloud-foundry.ts";
import { cloudFront } from "../../src/resolvers/formats/cloud-front.ts";
import { cloudflare } from "../../src/resolvers/formats/cloudflare.ts";
import { envoy } from "../../src/resolvers/formats/envoy.ts";
import { forwardedHeader } from "../../src/resolvers/formats/forwarded-header.ts";
import { gcp } from "../../src/resolvers/formats/gcp.ts";
import { haproxy } from "../../src/resolvers/formats/haproxy.ts";
import { ingressNginx } from "../../src/resolvers/formats/ingress-nginx.ts";
import { kong } from "../../src/resolvers/formats/kong.ts";
import { nginx } from "../../src/resolvers/formats/nginx.ts";
import { openShift } from "../../src/resolvers/formats/open-shift.ts";
import { rfc9440 } from "../../src/resolvers/formats/rfc9440.ts";
import { traefik } from "../../src/resolvers/formats/traefik.ts";
import type { ForwardedCertificateFormat } from "../../src/resolvers/forwarded-format.ts";

/** Every format, in each of its encodings; those that demand a secret do without it, so that one trust rule serves all. */
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
  "a hash of its own, by forwardedHeader": forwardedHeader({ header: "x-client-cert-hash", encoding: "sha256-base64" }),
} satisfies Readonly<Record<string, ForwardedCertificateFormat>>;

/** The name of one of them. */
export type FormatName = keyof typeof formats;

/** What makes each format, with whatever options, well-typed or not. */
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
