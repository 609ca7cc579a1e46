import type { RequestHandler } from "express";

/** The issuer, the API and its proxy, as a candidate needs them. */
export interface Settings {
  readonly issuer: string;
  /** The same issuer behind HTTPS, with its own identifier. */
  readonly httpsIssuer: string;
  readonly jwksUri: string;
  readonly audience: string;
  readonly proxySecret: string;
  readonly introspectionEndpoint: string;
  readonly introspection: { readonly clientId: string; readonly clientSecret: string };
}

/** The handlers of a candidate, named after their requirement. A missing handler is a feature that the candidate lacks. */
export interface Handlers {
  /** Requires a token that is bound to the certificate of the TLS connection. */
  readonly required: RequestHandler;
  /** Requires the binding only if the token is bound. */
  readonly whenBound?: RequestHandler;
  /** Requires a token that is bound to the certificate in a header, as a proxy sets it. */
  readonly forwarded?: RequestHandler;
  /** Introspects opaque tokens and requires the binding. */
  readonly opaque?: RequestHandler;
}

export type CreateHandlers = (settings: Settings) => Handlers;

/** The settings of a server of one candidate. */
export interface ServerSettings {
  readonly tls: { readonly cert: string; readonly key: string };
  readonly settings: Settings;
  /** The same settings, except that the issuer does not respond. */
  readonly unavailable: Settings;
  /** The certificate that a thief presents in a renegotiation, as base64 DER. */
  readonly owner: string;
}
