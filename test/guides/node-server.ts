import { AccessTokenError, createAuthenticator, httpRejection } from "@certbound/core";
import { createServer } from "node:https";

const { ISSUER = "https://auth.example.com", SERVER_KEY: key, SERVER_CERTIFICATE: cert } = process.env;

const authenticator = createAuthenticator({ issuer: ISSUER, audience: "https://api.example.com" });
const authenticate = authenticator({ scopes: ["read"] });

// Request a certificate from every client. The API rejects clients without one: 401, not a failed handshake.
// TLS 1.3 has no renegotiation.
const tls = { key, cert, requestCert: true, rejectUnauthorized: false, minVersion: "TLSv1.3" } as const;
export const server = createServer(tls, (request, response) => {
  authenticate(request).then(
    ({ claims }) => response.end(JSON.stringify({ client: claims.client_id })),
    (error: unknown) => {
      if (!(error instanceof AccessTokenError)) return response.writeHead(500).end(); // a failure of the server
      const { status, headers, body } = httpRejection(error);
      return response.writeHead(status, { ...headers, "content-type": "application/json" }).end(JSON.stringify(body));
    },
  );
});
