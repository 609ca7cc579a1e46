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

/** A way to protect a route over TLS. */
export interface Backend {
  readonly name: string;
  readonly httpVersion: 1 | 2;
  /** Whether the backend reads the token from the request. Otherwise the application passes it. */
  readonly readsRequests: boolean;
  readonly start: (routes: readonly ProtectedRoute[], tls: ServerTls) => Promise<RunningServer>;
}

/** A route that a backend protects. Its handler responds with {@link summary}. */
export interface ProtectedRoute {
  readonly path: string;
  readonly options: RejectionOptions & {
    readonly verifier: Verifier;
    readonly onRejected: (error: AccessTokenError, request: unknown) => void;
    readonly certificateResolver?: ClientCertificateResolver<IncomingRequest>;
    readonly tokenResolver?: (request: unknown) => Promise<string>;
  };
  readonly requirements: Requirements<unknown>;
  /** Called by the route's handler. */
  readonly onHandled: () => void;
}

/** The TLS options of a server, and its maximum header size. */
export interface ServerTls extends SecureContextOptions {
  readonly requestCert: true;
  readonly rejectUnauthorized: false;
  readonly maxHeaderSize: number;
}

/** The response of a handler about the accepted token. */
export interface Summary {
  readonly binding: AccessToken["binding"];
  readonly bindingError: string | null;
  readonly subject: string | null;
  readonly thumbprint: string | null;
}

/** Summarises an accepted token. */
export function summary(token: AccessToken): Summary {
  return {
    binding: token.binding,
    bindingError: token.binding === "rejected" ? token.bindingError.code : null,
    subject: token.claims.sub ?? null,
    thumbprint: token.clientCertificate?.thumbprint ?? null,
  };
}
