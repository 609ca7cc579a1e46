// HTTP/2, and HTTP/1.1 for clients that do not support HTTP/2. Every request of a session is verified with its own token, and
// with the certificate of the session's connection.

import { AccessTokenError, createAuthenticator, httpRejection } from "@certbound/core";
import { createSecureServer } from "node:http2";

/** Creates the API. `idleTimeout` is in milliseconds. */
export function createApi({ key, cert, issuer, idleTimeout = 60_000 }) {
  const authenticator = createAuthenticator({ issuer, audience: "https://api.example.com" });
  const authenticate = authenticator({ scopes: ["read"] });

  // Request a certificate from every client, and let the API reject clients without one.
  // TLS 1.3 has no renegotiation.
  const tls = { key, cert, requestCert: true, rejectUnauthorized: false, minVersion: "TLSv1.3", allowHTTP1: true };
  const server = createSecureServer(tls, (request, response) => {
    const send = ({ status, headers, body }) =>
      response.writeHead(status, { ...headers, "content-type": "application/json" }).end(JSON.stringify(body));
    const accept = ({ claims: { client_id: client } }) =>
      send({ status: 200, body: { client, httpVersion: request.httpVersion } });
    const reject = (error) => send(errorResponse(error));
    authenticate(request).then(accept, reject);
  });
  // Node.js has no timeout for HTTP/2 by default. Without a listener for "timeout", it destroys the session.
  server.setTimeout(idleTimeout);
  // After a GOAWAY of the client, Node.js sends all responses, ends its side of the connection, and waits for the client to
  // close the other side. This wait has no timeout, because server.setTimeout() applies only while the session exists.
  server.on("secureConnection", (socket) => {
    socket.once("finish", () => setTimeout(() => socket.destroy(), idleTimeout).unref());
  });
  return server;
}

function errorResponse(error) {
  if (error instanceof AccessTokenError) return httpRejection(error);
  // Any other error is a failure of the server, not of the client.
  console.error(error);
  return { status: 500, body: { message: "internal server error" } };
}
