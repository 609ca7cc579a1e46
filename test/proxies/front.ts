import type { ForwardedCertificateFormat, TrustedProxy } from "@certbound/core";
import type { Identity } from "@certbound/testing";
import type { Fields } from "./attempt.ts";
import type { Pki } from "./pki.ts";

/** One way in which a proxy forwards certificates, and an API reads them. */
export interface Front {
  readonly name: string;
  /** The listener, by the placeholder of its port in the configuration. */
  readonly listener: "VERIFIED_PORT" | "ANY_PORT";
  readonly format: ForwardedCertificateFormat;
  /** What the proxy says beside a good certificate. */
  readonly verified: Readonly<Record<string, string>>;
  /** What becomes of a certificate that no authority has signed. */
  readonly selfSigned: "accepted" | "rejected";
  /** What becomes of a certificate of 20 KB: by default, Node has no room for it, and HAProxy forwards nothing. */
  readonly tooLarge: "accepted" | "too much for Node" | "forwarded as missing";
  /** Whether a client can have the proxy's own headers removed by naming them in `Connection`. */
  readonly deletable: boolean;
  /** Whether the proxy resumes TLS sessions. */
  readonly resumes: boolean;
  /** What the listener speaks. */
  readonly httpVersions: readonly (1 | 2)[];
  readonly trust: (pki: Pki) => TrustedProxy;
}

/** The secret of the proxy in these tests. */
export const secret = { header: "x-proxy-secret", value: "a-secret-of-the-proxy-in-these-tests" } as const;

/** Trusts what carries the secret and comes from the proxy's address. */
export const secretAndAddress = (): TrustedProxy => ({ secret, addresses: ["127.0.0.1"] });

const base64 = ({ der }: Identity): string => Buffer.from(der).toString("base64");
const hexadecimal = ({ thumbprint }: Identity): string => Buffer.from(thumbprint, "base64url").toString("hex");
const escaped = ({ certificate }: Identity): string => encodeURIComponent(certificate);

/** What a thief would send in the place of each proxy, by the header's name. */
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

/** The headers by which a thief says, as the proxy would, that the certificate is the victim's; that one is the first. */
export function forgedFields({ format, verified }: Front, victim: Identity): Fields {
  const forge = forgeries[format.header];
  if (forge === undefined) throw new Error(`There is no forgery for ${format.header}`);
  return [[format.header, forge(victim)], ...Object.entries(verified)];
}
