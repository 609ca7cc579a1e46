import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { AccessTokenError, createAuthenticator, httpRejection } from "@certbound/core";

const { ISSUER: issuer, PORT: port = 8443 } = process.env;
const authenticator = createAuthenticator({ issuer, audience: "https://api.example.com" });
const authenticate = authenticator({ scopes: ["read"] });

const [key, cert] = [readFileSync("server-key.pem"), readFileSync("server.pem")];
export const server = createServer({ key, cert, requestCert: true, rejectUnauthorized: false, minVersion: "TLSv1.3" });

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
server.listen(port);
