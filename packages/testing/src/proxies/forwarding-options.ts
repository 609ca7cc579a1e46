import type { Identity } from "../certificates/identity.ts";

/** Options for the header with the certificate. */
export interface ForwardingHeaderOptions {
  /** The name of the header. Defaults to the default of certbound's format. */
  readonly header?: string;
}

/** Options for a proxy that also sends the result of its certificate verification. */
export interface ForwardingVerificationOptions extends ForwardingHeaderOptions {
  /** The name of the header with the result. */
  readonly verifyHeader?: string;
  /** If false, the header reports an untrusted self-signed certificate. Defaults to true. */
  readonly verified?: boolean;
}

/** Options for a proxy with several encodings of the certificate; the first member of `Encoding` is the default. */
export interface ForwardingEncodingOptions<Encoding extends string> {
  readonly encoding?: Encoding;
}

/** Options for a proxy whose older versions sent a different value. */
export interface ForwardingLegacyOptions {
  /** Returns the headers of these older versions. */
  readonly legacy?: true;
}

/** The options of each proxy, by the name of certbound's format. */
export interface ForwardingProxies {
  readonly rfc9440: ForwardingHeaderOptions;
  readonly nginx: ForwardingVerificationOptions;
  readonly ingressNginx: ForwardingVerificationOptions;
  readonly haproxy: ForwardingVerificationOptions &
    ForwardingEncodingOptions<"der-base64" | "rfc9440" | "sha256-hex" | "sha256-base64url"> & {
      /** Adds a header of this name with `%[ssl_c_used]`: `1` with a certificate, `0` without. */
      readonly usedHeader?: string;
    };
  readonly apache: ForwardingVerificationOptions;
  /** `legacy`: versions before 2.11.2, which send the unreplaced placeholder for a client without a certificate. */
  readonly caddy: ForwardingHeaderOptions &
    ForwardingEncodingOptions<"der-base64" | "sha256-hex"> &
    ForwardingLegacyOptions;
  readonly envoy: ForwardingHeaderOptions & {
    /** Appends an element with the certificate of this proxy, as a sidecar behind a gateway does. */
    readonly via?: Pick<Identity, "certificate">;
  };
  readonly cloudFoundry: ForwardingHeaderOptions;
  /** `legacy`: versions up to 2.9.1, which percent-encode the value. */
  readonly traefik: ForwardingHeaderOptions & ForwardingLegacyOptions;
  readonly awsAlb: ForwardingHeaderOptions & {
    /** Defaults to `"verify"`. */
    readonly mode?: "verify" | "passthrough";
  };
  /** `verifyHeader` names the header that reports whether there is a certificate. */
  readonly cloudFront: Omit<ForwardingVerificationOptions, "verified">;
  readonly gcp: ForwardingVerificationOptions & ForwardingEncodingOptions<"rfc9440" | "sha256-base64">;
  readonly azureAppService: ForwardingHeaderOptions;
  readonly azureApplicationGateway: ForwardingVerificationOptions;
  readonly azureContainerApps: ForwardingHeaderOptions;
  readonly cloudflare: ForwardingHeaderOptions & ForwardingEncodingOptions<"der-base64" | "sha256-hex" | "rfc9440">;
  readonly kong: ForwardingHeaderOptions;
  readonly openShift: ForwardingVerificationOptions;
}

/** The name of a proxy that forwards certificates. */
export type ForwardingProxy = keyof ForwardingProxies;
