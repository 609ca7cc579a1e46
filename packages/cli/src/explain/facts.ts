import type { X509Certificate } from "node:crypto";
import type {
  AccessTokenError,
  ClientCertificateInput,
  JsonWebKeySet,
  SignatureAlgorithm,
  VerifierOptions,
} from "@certbound/core";
import { ownMember } from "@certbound/core/internal";
import type { CertificateFile } from "../inputs/certificate-file.ts";
import type { ForwardedCertificate } from "../inputs/forwarded-certificate.ts";
import type { Exchange } from "../inputs/issuer-exchanges.ts";
import type { TokenReading } from "./token-reading.ts";

/** How the API is configured, as far as the command line says. */
export interface Rules extends Pick<VerifierOptions, "profile" | "tokenTypes" | "clockTolerance" | "maxTokenAge"> {
  readonly issuer: string | undefined;
  readonly audience: readonly string[] | null | undefined;
  readonly jwks: JsonWebKeySet | string | undefined;
  readonly algorithms: readonly SignatureAlgorithm[] | undefined;
  readonly scopes: readonly string[];
}

/** What the client presents. */
export interface Presented {
  /** What core is given. */
  readonly input: ClientCertificateInput | AccessTokenError | null;
  /** Its thumbprint, as core computes it; undefined where there is no usable certificate. */
  readonly thumbprint: string | undefined;
  readonly x509: X509Certificate | undefined;
  /** Where it is from, in words. */
  readonly source: string;
  readonly file: CertificateFile | undefined;
  readonly forwarded: ForwardedCertificate | undefined;
  /** Other certificates that the token may be bound to instead. */
  readonly others: readonly OtherCertificate[];
}

/** A certificate that is compared, and presented by nobody. */
export interface OtherCertificate {
  readonly x509: X509Certificate;
  /** The same file as the one that is presented, or one that was named for the comparison. */
  readonly from: "chain" | "also";
  readonly name: string;
}

/** All that is known when the cause of a refusal is looked for. */
export interface Facts {
  readonly token: TokenReading;
  readonly rules: Rules;
  readonly presented: Presented;
  readonly exchanges: readonly Exchange[];
  /** The keys of the configured issuer. */
  readonly keys: JsonWebKeySet | undefined;
  /** Seconds since the epoch. */
  readonly now: number;
  /** The options whose input begins with a byte order mark. */
  readonly markedInputs: readonly string[];
}

/** A claim of the token, if it has one of that name itself. */
export function claimOf({ token }: Pick<Facts, "token">, name: string): unknown {
  return ownMember(token.claims ?? {}, name);
}

/** Returns a value out of JSON if it is a text, else an empty text: String() overflows the stack for a deeply nested list. */
export function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** Returns a value out of JSON if it is a number, else NaN: Number() throws for `{ "valueOf": 1, "toString": 1 }`. */
export function numberOf(value: unknown): number {
  return typeof value === "number" ? value : Number.NaN;
}
