import type {
  AccessToken,
  AccessTokenError,
  ClientCertificateResolver,
  IncomingRequest,
  RejectionOptions,
  Requirements,
  Verifier,
} from "@certbound/core";
import type { RunningServer } from "@certbound/testing";
import type { SecureContextOptions } from "node:tls";

/** One way to protect a route over TLS. */
export interface Backend {
  readonly name: string;
  readonly httpVersion: 1 | 2;
  /** Whether the backend finds the token itself, or the application hands it a token. */
  readonly readsRequests: boolean;
  readonly start: (routes: readonly ProtectedRoute[], tls: ServerTls) => Promise<RunningServer>;
}

/** A route that a backend has to protect, and to answer with {@link summary} when it accepts. */
export interface ProtectedRoute {
  readonly path: string;
  readonly options: RejectionOptions & {
    readonly verifier: Verifier;
    readonly onRejected: (error: AccessTokenError, request: unknown) => void;
    readonly certificateResolver?: ClientCertificateResolver<IncomingRequest>;
    readonly tokenResolver?: (request: unknown) => Promise<string>;
  };
  readonly requirements: Requirements<unknown>;
  /** To be called by the route's handler. */
  readonly onHandled: () => void;
}

/** The TLS options of a server, and the size of headers that it takes. */
export interface ServerTls extends SecureContextOptions {
  readonly requestCert: true;
  readonly rejectUnauthorized: false;
  readonly maxHeaderSize: number;
}

/** What a handler answers about the token that it was given. */
export interface Summary {
  readonly binding: AccessToken["binding"];
  readonly bindingError: string | null;
  readonly subject: string | null;
  readonly thumbprint: string | null;
}

/** Sums up an accepted token. */
export function summary(token: AccessToken): Summary {
  return {
    binding: token.binding,
    bindingError: token.binding === "rejected" ? token.bindingError.code : null,
    subject: token.claims.sub ?? null,
    thumbprint: token.clientCertificate?.thumbprint ?? null,
  };
}
