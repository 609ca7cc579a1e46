import type { Identity } from "../certificates/identity.ts";

/** Renames the header with the certificate. */
export interface ForwardingHeaderOptions {
  /** Defaults to the default of certbound's format. */
  readonly header?: string;
}

/** Configures the headers of a proxy that says how it verified the certificate. */
export interface ForwardingVerificationOptions extends ForwardingHeaderOptions {
  /** The header in which it says so. */
  readonly verifyHeader?: string;
  /** False for what the proxy says of a self-signed certificate that it does not trust. Defaults to true. */
  readonly verified?: boolean;
}

/** Configures the headers of a proxy that can be told to send one of several; the first one named is the default. */
export interface ForwardingEncodingOptions<Encoding extends string> {
  readonly encoding?: Encoding;
}

/** Configures the header of a proxy whose older versions sent another value. */
export interface ForwardingLegacyOptions {
  readonly legacy?: true;
}

/** Names the proxies, as the formats of certbound are named, with what can be configured of each. */
export interface ForwardingProxies {
  readonly rfc9440: ForwardingHeaderOptions;
  readonly nginx: ForwardingVerificationOptions;
  readonly ingressNginx: ForwardingVerificationOptions;
  readonly haproxy: ForwardingVerificationOptions &
    ForwardingEncodingOptions<"der-base64" | "rfc9440" | "sha256-hex" | "sha256-base64url"> & {
      /** Adds the header with `%[ssl_c_used]` under this name: `1` with a certificate, `0` without. */
      readonly usedHeader?: string;
    };
  readonly apache: ForwardingVerificationOptions;
  /** `legacy`: before 2.11.2, where the text of the placeholder stands for no certificate. */
  readonly caddy: ForwardingHeaderOptions &
    ForwardingEncodingOptions<"der-base64" | "sha256-hex"> &
    ForwardingLegacyOptions;
  readonly envoy: ForwardingHeaderOptions & {
    /** Appends an element for this proxy, as a sidecar does behind a gateway. */
    readonly via?: Pick<Identity, "certificate">;
  };
  readonly cloudFoundry: ForwardingHeaderOptions;
  /** `legacy`: up to 2.9.1, percent-encoded. */
  readonly traefik: ForwardingHeaderOptions & ForwardingLegacyOptions;
  readonly awsAlb: ForwardingHeaderOptions & {
    /** Defaults to `"verify"`. */
    readonly mode?: "verify" | "passthrough";
  };
  /** `verifyHeader` is the one that says that there is a certificate. */
  readonly cloudFront: Omit<ForwardingVerificationOptions, "verified">;
  readonly gcp: ForwardingVerificationOptions & ForwardingEncodingOptions<"rfc9440" | "sha256-base64">;
  readonly azureAppService: ForwardingHeaderOptions;
  readonly azureApplicationGateway: ForwardingVerificationOptions;
  readonly azureContainerApps: ForwardingHeaderOptions;
  readonly cloudflare: ForwardingHeaderOptions & ForwardingEncodingOptions<"der-base64" | "sha256-hex" | "rfc9440">;
  readonly kong: ForwardingHeaderOptions;
  readonly openShift: ForwardingVerificationOptions;
}

/** Names a proxy that forwards certificates. */
export type ForwardingProxy = keyof ForwardingProxies;
