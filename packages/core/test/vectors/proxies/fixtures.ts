import { readFileSync } from "node:fs";

/** The headers that a server received from a proxy, and the thumbprint of the client's certificate. */
export interface Fixture {
  readonly proxy: string;
  /** The cases that produced these headers. */
  readonly cases?: readonly string[];
  /** The recorded software, or the document that the headers are based on. */
  readonly source?: string;
  /** Null if the client presented no certificate, or the proxy did not forward it. */
  readonly thumbprint: string | null;
  readonly rawHeaders: readonly string[];
}

/** A test certificate: its thumbprint as computed by OpenSSL, and its DER in base64. */
export interface Certificate {
  readonly thumbprint: string;
  readonly der: string;
}

/** Recorded behind nginx 1.22, HAProxy 2.6, Apache httpd 2.4 and Caddy 2.6, without headers that no test reads. */
export const captured = read("captured.json") as readonly Fixture[];

/** Recorded behind the same proxies, from clients that name headers of the proxy in `Connection`. */
export const hopByHop = read("hop-by-hop.json") as readonly (Fixture & { readonly connection: string })[];

/** Not recorded, but based on the `source` that each of them names. */
export const documented = read("documented.json") as readonly Fixture[];

/** The certificates of the fixtures, and `victim`, which occurs in none of them. */
export const certificates = read("certificates.json") as Readonly<
  Record<"ec256" | "rsa2048" | "ed25519" | "chain" | "int" | "uriinj" | "victim", Certificate>
>;

function read(name: string): unknown {
  return JSON.parse(readFileSync(new URL(name, import.meta.url), "utf8"));
}
