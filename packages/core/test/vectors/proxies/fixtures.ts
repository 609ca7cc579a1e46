import { readFileSync } from "node:fs";

/** What a server received from a proxy, and whose certificate it was. */
export interface Fixture {
  readonly proxy: string;
  /** What was tried; several things may have led to the same headers. */
  readonly cases?: readonly string[];
  /** The software that was recorded, or the document that the headers are made after. */
  readonly source?: string;
  /** Null where the client presented no certificate, or the proxy did not forward it. */
  readonly thumbprint: string | null;
  readonly rawHeaders: readonly string[];
}

/** A test certificate: its thumbprint as computed by OpenSSL, and its DER in base64. */
export interface Certificate {
  readonly thumbprint: string;
  readonly der: string;
}

/** Recorded behind nginx 1.22, HAProxy 2.6, Apache httpd 2.4 and Caddy 2.6; headers that no test reads are left out. */
export const captured = read("captured.json") as readonly Fixture[];

/** Recorded there too, from clients that name headers of the proxy in `Connection`. */
export const hopByHop = read("hop-by-hop.json") as readonly (Fixture & { readonly connection: string })[];

/** Not recorded: made after the source or the document that each of them names. */
export const documented = read("documented.json") as readonly Fixture[];

/** Certificates that occur in them, `victim` excepted. */
export const certificates = read("certificates.json") as Readonly<
  Record<"ec256" | "rsa2048" | "ed25519" | "chain" | "int" | "uriinj" | "victim", Certificate>
>;

function read(name: string): unknown {
  return JSON.parse(readFileSync(new URL(name, import.meta.url), "utf8"));
}
