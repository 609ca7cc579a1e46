import { readFileSync } from "node:fs";
import { createSecureServer } from "node:http2";
import { AccessTokenError, createAuthenticator, httpRejection } from "@certbound/core";

const { ISSUER: issuer, PORT: port = 8443 } = process.env;
const authenticator = createAuthenticator({ issuer, audience: "https://api.example.com" });
const authenticate = authenticator({ scopes: ["read"] });

const [key, cert] = [readFileSync("server-key.pem"), readFileSync("server.pem")];
export const server = createSecureServer({
  key,
  cert,
  requestCert: true,
  rejectUnauthorized: false,
  minVersion: "TLSv1.3",
  allowHTTP1: true,
});

server.on("request", (request, response) => {
  response.setHeader("content-type", "application/json");
  authenticate(request)
    .then(({ claims }) => response.end(JSON.stringify({ client: claims.client_id })))
    .catch((/** @type {unknown} */ error) => {
      // Any other error is a failure of the server, not of the client.
      if (!(error instanceof AccessTokenError)) return response.writeHead(500).end();
      const { status, headers, body } = httpRejection(error);
      return response.writeHead(status, headers).end(JSON.stringify(body));
    });
});
// Closes unused sessions. Node.js has no timeout for HTTP/2 by default.
server.setTimeout(60_000);
// Closes connections that a client leaves open after GOAWAY. Node.js has no timeout for that either.
server.on("secureConnection", (socket) => {
  socket.once("finish", () => setTimeout(() => socket.destroy(), 60_000).unref());
});
server.listen(port);
