// #region createVerifier
import { createVerifier, tlsCertificate } from "@certbound/core";
// #endregion
// #region createAuthenticator
import { AccessTokenError, createAuthenticator } from "@certbound/core";
// #endregion
import {
  certificateRules,
  certificateTenants,
  certificateThumbprint,
  type ConfirmationClaims,
  httpRejection,
  protectedResourceMetadata,
  type Verifier,
  verifyCertificateBinding,
} from "@certbound/core";
import { readFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";

/** Verifies a token with the certificate of the connection that a request came over. */
export async function verifyToken(token: string, request: IncomingMessage): Promise<string> {
  // #region createVerifier

  const verifier = createVerifier({ issuer: "https://auth.example.com", audience: "https://api.example.com" });

  const { claims, clientCertificate } = await verifier.verify(token, {
    clientCertificate: tlsCertificate(request), // null without a certificate: the token is then rejected
    scopes: ["read"],
  });
  // #endregion
  return `${claims.client_id} ${clientCertificate?.thumbprint}`;
}

/** Authenticates a request, and responds to it. */
export async function authenticateRequest(request: IncomingMessage, response: ServerResponse): Promise<void> {
  // #region createAuthenticator

  const protect = createAuthenticator({ issuer: "https://auth.example.com", audience: "https://api.example.com" });
  const authenticate = protect({ scopes: ["read"] });
  try {
    const { claims } = await authenticate(request);
    response.end(claims.client_id);
  } catch (error) {
    if (!(error instanceof AccessTokenError)) throw error; // not caused by the client: respond with 500
    const { status, headers } = protect.rejection(error);
    response.writeHead(status, headers).end();
  }
  // #endregion
}

/** Responds to a request with the challenge of a realm if its token is rejected. */
export async function respondToRejection(
  verifier: Verifier,
  token: string,
  { request, response }: { readonly request: IncomingMessage; readonly response: ServerResponse },
): Promise<void> {
  // #region httpRejection
  try {
    await verifier.verify(token, { clientCertificate: tlsCertificate(request) });
    response.end("Hello");
  } catch (error) {
    if (!(error instanceof AccessTokenError)) throw error;
    const { status, headers, body } = httpRejection(error, { realm: "accounts" });
    response.writeHead(status, { ...headers, "content-type": "application/json" }).end(JSON.stringify(body));
  }
  // #endregion
}

/** Logs a token that is presented with another certificate, and returns whether the token is accepted. */
export async function logMismatch(
  verifier: Verifier,
  token: string,
  { request, log }: { readonly request: IncomingMessage; readonly log: { warn(message: string): void } },
): Promise<boolean> {
  // #region AccessTokenError
  try {
    await verifier.verify(token, { clientCertificate: tlsCertificate(request) });
    return true;
  } catch (error) {
    if (!(error instanceof AccessTokenError)) throw error; // not caused by the token or the client
    if (error.code === "ERR_BINDING_MISMATCH") log.warn(`possibly a stolen token: ${error.detail}`);
    return false;
  }
  // #endregion
}

/** Serves the metadata of an API. */
export function serveMetadata(response: ServerResponse): void {
  // #region protectedResourceMetadata
  // GET https://api.example.com/.well-known/oauth-protected-resource
  const metadata = protectedResourceMetadata({
    issuer: "https://auth.example.com",
    audience: "https://api.example.com",
    resource: "https://api.example.com",
    scopes: ["read", "write"],
  });
  response.setHeader("content-type", "application/json").end(JSON.stringify(metadata));
  // #endregion
}

/** Verifies the binding of a token whose signature the application verifies. */
export async function verifyBinding(
  token: string,
  request: IncomingMessage,
  verifySignature: (token: string) => Promise<ConfirmationClaims>,
): Promise<void> {
  // #region verifyCertificateBinding
  const claims = await verifySignature(token); // by a JWT library, with issuer, audience and times

  // Throws an AccessTokenError if the token is not bound to the certificate of this client.
  verifyCertificateBinding(claims, tlsCertificate(request));
  // #endregion
}

/** Returns the confirmation claim for the certificate in a file. */
export async function confirmationFor(certificateFile: string): Promise<object> {
  // #region certificateThumbprint
  const pem = await readFile(certificateFile, "utf8");

  // The confirmation claim of a token that is bound to this certificate (RFC 8705 section 3.1)
  const cnf = { "x5t#S256": certificateThumbprint(pem) };
  // #endregion
  return cnf;
}

/** Creates a server that returns the thumbprint of each client's certificate. */
export function thumbprintServer(key: string, cert: string): Server {
  // #region tlsCertificate
  const tls = { key, cert, requestCert: true, rejectUnauthorized: false, minVersion: "TLSv1.3" } as const;

  const server = createServer(tls, (request, response) => {
    const certificate = tlsCertificate(request);
    if (certificate === null) response.writeHead(401).end("This API requires a client certificate");
    else response.end(certificate.thumbprint);
  });
  // #endregion
  return server;
}

/** Creates a verifier that accepts only certificates of a partner's CA. */
export function verifierForPartner(partnerCa: string): Verifier {
  // #region certificateRules
  const verifier = createVerifier({
    issuer: "https://auth.example.com",
    audience: "https://api.example.com",
    certificatePolicy: certificateRules({ issuers: [partnerCa], currentlyValid: true }),
  });
  // #endregion
  return verifier;
}

/** Creates a verifier for tenants that each have a CA. */
export function verifierForTenants(acmeCa: string, globexCa: string): Verifier {
  // #region certificateTenants
  const tenantOf = certificateTenants({ acme: { issuers: [acmeCa] }, globex: { issuers: [globexCa] } });

  const verifier = createVerifier({
    issuer: "https://auth.example.com",
    audience: "https://api.example.com",
    // The claim "tenant" of the token must name the tenant of the certificate.
    certificatePolicy: certificateRules({ tenant: { resolve: tenantOf, claim: "tenant" } }),
  });
  // #endregion
  return verifier;
}
