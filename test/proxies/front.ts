import type { ForwardedCertificateFormat, TrustedProxy } from "@certbound/core";
import type { Identity } from "@certbound/testing";
import type { Fields } from "./attempt.ts";
import type { Pki } from "./pki.ts";

/** A listener of a proxy that forwards certificates, and the format in which the API reads them. */
export interface Front {
  readonly name: string;
  /** The placeholder for the listener's port in the configuration. */
  readonly listener: "VERIFIED_PORT" | "ANY_PORT";
  readonly format: ForwardedCertificateFormat;
  /** The headers that the proxy sends together with a verified certificate. */
  readonly verified: Readonly<Record<string, string>>;
  /** The result for a self-signed certificate. */
  readonly selfSigned: "accepted" | "rejected";
  /** The result for a certificate of 20 KB: by default, it exceeds Node's limit, and HAProxy forwards an empty value. */
  readonly tooLarge: "accepted" | "rejected by Node" | "forwarded as missing";
  /** Whether the proxy removes its headers if a client lists them in `Connection`. */
  readonly deletable: boolean;
  /** Whether the proxy resumes TLS sessions. */
  readonly resumes: boolean;
  /** The HTTP versions of the listener. */
  readonly httpVersions: readonly (1 | 2)[];
  readonly trust: (pki: Pki) => TrustedProxy;
}

/** The secret of the proxy in these tests. */
export const secret = { header: "x-proxy-secret", value: "a-secret-of-the-proxy-in-these-tests" } as const;

/** Trusts requests with the secret that come from the proxy's address. */
export const secretAndAddress = (): TrustedProxy => ({ secret, addresses: ["127.0.0.1"] });

const base64 = ({ der }: Identity): string => Buffer.from(der).toString("base64");
const hexadecimal = ({ thumbprint }: Identity): string => Buffer.from(thumbprint, "base64url").toString("hex");
const escaped = ({ certificate }: Identity): string => encodeURIComponent(certificate);

/** The value that a thief would send instead of each proxy, by header name. */
export const forgeries: Readonly<Record<string, (victim: Identity) => string>> = {
  "ssl-client-cert": escaped,
  "x-ssl-client-der": base64,
  "x-ssl-client-sha256": hexadecimal,
  "x-ssl-client-x5ts256": ({ thumbprint }) => thumbprint,
  "x-ssl-client-cert": ({ certificate }) => certificate.replaceAll("\n", " ").trim(),
  "x-client-cert": escaped,
  "x-client-cert-der-base64": base64,
  "x-client-cert-sha256": hexadecimal,
  "x-amzn-mtls-clientcert-leaf": escaped,
  "x-arr-clientcert": base64,
  "x-forwarded-client-cert": (victim) => `Hash=${hexadecimal(victim)};Cert="${escaped(victim)}"`,
  "x-forwarded-tls-client-cert": base64,
  "client-cert": (victim) => `:${base64(victim)}:`,
  "client-cert-chain": (victim) => `:${base64(victim)}:`,
};

/** Returns headers that a thief sends to claim the victim's certificate. The certificate header is the first one. */
export function forgedFields({ format, verified }: Front, victim: Identity): Fields {
  const forge = forgeries[format.header];
  if (forge === undefined) throw new Error(`no forgery is defined for ${format.header}`);
  return [[format.header, forge(victim)], ...Object.entries(verified)];
}
