// HTTP/2, and HTTP/1.1 for clients that speak nothing newer. Every request of a session is judged by its own token, and by
// the certificate of the connection that the session runs over.

import { AccessTokenError, createAuthenticator, httpRejection } from "@certbound/core";
import { createSecureServer } from "node:http2";

/** Creates the API; `idleTimeout` in milliseconds. */
export function createApi({ key, cert, issuer, idleTimeout = 60_000 }) {
  const authenticator = createAuthenticator({ issuer, audience: "https://api.example.com" });
  const authenticate = authenticator({ scopes: ["read"] });

  // Ask every client for its certificate, and let the API reject the ones without.
  // TLS 1.3 only: it has no renegotiation.
  const tls = { key, cert, requestCert: true, rejectUnauthorized: false, minVersion: "TLSv1.3", allowHTTP1: true };
  const server = createSecureServer(tls, (request, response) => {
    const send = ({ status, headers, body }) =>
      response.writeHead(status, { ...headers, "content-type": "application/json" }).end(JSON.stringify(body));
    const accept = ({ claims: { client_id: client } }) =>
      send({ status: 200, body: { client, httpVersion: request.httpVersion } });
    const reject = (error) => send(answerTo(error));
    authenticate(request).then(accept, reject);
  });
  // Node.js has no timeout for HTTP/2 by default. Without a listener for "timeout", it destroys the session.
  server.setTimeout(idleTimeout);
  // After a GOAWAY of the client, Node.js ends its side of the connection when all responses are sent, and then waits for the
  // client to close the other side. There is no timeout for that: server.setTimeout() concerns sessions, and this one is over.
  server.on("secureConnection", (socket) => {
    socket.once("finish", () => setTimeout(() => socket.destroy(), idleTimeout).unref());
  });
  return server;
}

function answerTo(error) {
  if (error instanceof AccessTokenError) return httpRejection(error);
  // Not about the token, and no fault of the client's.
  console.error(error);
  return { status: 500, body: { message: "internal server error" } };
}
