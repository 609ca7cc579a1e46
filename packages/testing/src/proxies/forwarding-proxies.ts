import {
  base64Der,
  base64DerList,
  byteSequence,
  escapedPem,
  partlyEscapedPem,
  partlyEscapedPemChain,
  sha256,
  spacedPem,
  xfccChainElement,
  xfccElement,
} from "./forwarded-certificate.ts";
import type { CertificateWriter } from "./forwarded-certificate.ts";
import type { ForwardingProxy } from "./forwarding-options.ts";

/** A header with a certificate. */
export interface CertificateHeader {
  readonly name: string;
  readonly write: CertificateWriter;
  /** The value for a client without a certificate. If omitted, the proxy removes the header. */
  readonly none?: string;
  /** Differences in older versions. */
  readonly legacy?: Partial<CertificateHeader>;
}

/** A header with the result of the proxy's certificate verification. */
export interface VerificationHeader {
  readonly name: string;
  readonly success: string;
  /** If omitted, the header does not report failed verification. */
  readonly failure?: string;
  readonly none: string;
}

/** The headers that a proxy sends. */
export interface ForwardingProxyDefinition {
  /** Keyed by the value of the option `choice`; the first is the default. */
  readonly headers: Readonly<Record<string, CertificateHeader>>;
  /** The option that selects the header; omitted if there is only one header. */
  readonly choice?: "encoding" | "mode";
  readonly verification?: VerificationHeader;
  readonly additionalOptions?: readonly ("usedHeader" | "via")[];
}

/** The values of nginx's $ssl_client_verify. */
const nginxVerification = { success: "SUCCESS", failure: "FAILED:self-signed certificate", none: "NONE" };

const nginx: ForwardingProxyDefinition = {
  headers: only({ name: "ssl-client-cert", write: escapedPem }),
  verification: { name: "ssl-client-verify", ...nginxVerification },
};

/** The values of HAProxy's ssl_c_verify, OpenSSL's error code: 18 for a self-signed certificate, 0 for success or no certificate. */
const haproxyVerification = { name: "x-ssl-client-verify", success: "0", failure: "18", none: "0" };

const upperCaseSha256: CertificateWriter = (certificate) => sha256("hex")(certificate).toUpperCase();

/** The SHA-256 of the empty string, which Caddy sends for a client without a certificate. */
const emptySha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/** The proxies, with the names and in the order of certbound's formats. */
export const forwardingProxies: Readonly<Record<ForwardingProxy, ForwardingProxyDefinition>> = {
  rfc9440: { headers: only({ name: "client-cert", write: byteSequence }) },
  nginx,
  ingressNginx: nginx,
  haproxy: {
    choice: "encoding",
    headers: {
      "der-base64": { name: "x-ssl-client-der", write: base64Der, none: "" },
      rfc9440: { name: "client-cert", write: byteSequence, none: "::" },
      "sha256-hex": { name: "x-ssl-client-sha256", write: upperCaseSha256, none: "" },
      "sha256-base64url": { name: "x-ssl-client-x5ts256", write: sha256("base64url"), none: "" },
    },
    verification: haproxyVerification,
    additionalOptions: ["usedHeader"],
  },
  apache: {
    headers: only({ name: "x-ssl-client-cert", write: spacedPem, none: "(null)" }),
    verification: { name: "x-ssl-client-verify", ...nginxVerification },
  },
  caddy: {
    choice: "encoding",
    headers: {
      "der-base64": {
        name: "x-client-cert-der-base64",
        write: base64Der,
        none: "",
        legacy: { none: "{http.request.tls.client.certificate_der_base64}" },
      },
      "sha256-hex": {
        name: "x-client-cert-sha256",
        write: sha256("hex"),
        none: emptySha256,
        legacy: { none: "{http.request.tls.client.fingerprint}" },
      },
    },
  },
  envoy: { headers: only({ name: "x-forwarded-client-cert", write: xfccElement }), additionalOptions: ["via"] },
  cloudFoundry: { headers: only({ name: "x-forwarded-client-cert", write: base64Der }) },
  traefik: {
    headers: only({
      name: "x-forwarded-tls-client-cert",
      write: base64DerList,
      legacy: { write: (certificate) => base64DerList(certificate).split(",").map(encodeURIComponent).join(",") },
    }),
  },
  awsAlb: {
    choice: "mode",
    headers: {
      verify: { name: "x-amzn-mtls-clientcert-leaf", write: partlyEscapedPem },
      passthrough: { name: "x-amzn-mtls-clientcert", write: partlyEscapedPemChain },
    },
  },
  cloudFront: {
    headers: only({ name: "cloudfront-viewer-cert-sha256", write: sha256("hex") }),
    verification: { name: "cloudfront-viewer-cert-present", success: "1", none: "0" },
  },
  gcp: {
    choice: "encoding",
    headers: {
      rfc9440: { name: "x-client-cert-leaf", write: byteSequence, none: "" },
      "sha256-base64": { name: "x-client-cert-hash", write: sha256("base64"), none: "" },
    },
    verification: { name: "x-client-cert-chain-verified", success: "true", failure: "false", none: "false" },
  },
  azureAppService: { headers: only({ name: "x-arr-clientcert", write: base64Der }) },
  azureApplicationGateway: {
    headers: only({ name: "x-client-certificate", write: escapedPem }),
    verification: { name: "x-client-certificate-verification", ...nginxVerification },
  },
  azureContainerApps: { headers: only({ name: "x-forwarded-client-cert", write: xfccChainElement }) },
  cloudflare: {
    choice: "encoding",
    headers: {
      "der-base64": { name: "cf-client-cert-der-base64", write: base64Der },
      "sha256-hex": { name: "cf-client-cert-sha256", write: sha256("hex") },
      rfc9440: { name: "client-cert", write: byteSequence, none: "" },
    },
  },
  kong: { headers: only({ name: "x-client-cert", write: escapedPem }) },
  openShift: {
    headers: only({ name: "x-ssl-client-der", write: base64Der, none: "" }),
    verification: haproxyVerification,
  },
};

function only(header: CertificateHeader): Readonly<Record<string, CertificateHeader>> {
  return { only: header };
}
