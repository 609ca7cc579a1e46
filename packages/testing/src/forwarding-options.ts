import type { Identity } from "./identity.ts";

/** Renames the header with the certificate. */
export interface ForwardedHeaderOptions {
  /** Defaults to the name in the product's documentation, which is the default of certbound's format too. */
  readonly header?: string;
}

/** Configures the headers of a proxy that says how it verified the certificate. */
export interface ForwardedVerificationOptions extends ForwardedHeaderOptions {
  /** The header in which it says so. */
  readonly verifyHeader?: string;
  /** False for what the proxy says of a self-signed certificate that it does not trust. Defaults to true. */
  readonly verified?: boolean;
}

/** Configures the headers of a proxy that can be told to send one of several; the first one named is the default. */
export interface ForwardedEncodingOptions<Encoding extends string> {
  readonly encoding?: Encoding;
}

/** Configures the header of a proxy whose older versions sent another value. */
export interface ForwardedLegacyOptions {
  readonly legacy?: true;
}

/** Names the proxies, as the formats of certbound are named, with what can be configured of each. */
export interface ForwardingProxies {
  readonly rfc9440: ForwardedHeaderOptions;
  readonly nginx: ForwardedVerificationOptions;
  readonly ingressNginx: ForwardedVerificationOptions;
  readonly haproxy: ForwardedVerificationOptions &
    ForwardedEncodingOptions<"der-base64" | "rfc9440" | "sha256-hex" | "sha256-base64url"> & {
      /** Adds the header with `%[ssl_c_used]` under this name: `1` with a certificate, `0` without. */
      readonly usedHeader?: string;
    };
  readonly apache: ForwardedVerificationOptions;
  /** `legacy`: before 2.11.2, where the text of the placeholder stands for no certificate. */
  readonly caddy: ForwardedHeaderOptions &
    ForwardedEncodingOptions<"der-base64" | "sha256-hex"> &
    ForwardedLegacyOptions;
  readonly envoy: ForwardedHeaderOptions & {
    /** Appends an element for this proxy, as a sidecar does behind a gateway. */
    readonly via?: Pick<Identity, "certificate">;
  };
  readonly cloudFoundry: ForwardedHeaderOptions;
  /** `legacy`: up to 2.9.1, percent-encoded. */
  readonly traefik: ForwardedHeaderOptions & ForwardedLegacyOptions;
  readonly awsAlb: ForwardedHeaderOptions & {
    /** Defaults to `"verify"`. */
    readonly mode?: "verify" | "passthrough";
  };
  /** `verifyHeader` is the one that says that there is a certificate. */
  readonly cloudFront: Omit<ForwardedVerificationOptions, "verified">;
  readonly gcp: ForwardedVerificationOptions & ForwardedEncodingOptions<"rfc9440" | "sha256-base64">;
  readonly azureAppService: ForwardedHeaderOptions;
  readonly azureApplicationGateway: ForwardedVerificationOptions;
  readonly azureContainerApps: ForwardedHeaderOptions;
  readonly cloudflare: ForwardedHeaderOptions & ForwardedEncodingOptions<"der-base64" | "sha256-hex" | "rfc9440">;
  readonly kong: ForwardedHeaderOptions;
  readonly openShift: ForwardedVerificationOptions;
}

/** Names a proxy that forwards certificates. */
export type ForwardingProxy = keyof ForwardingProxies;
