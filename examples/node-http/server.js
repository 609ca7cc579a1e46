// No framework: createAuthenticator verifies the token and the certificate of a request, and httpRejection creates the
// response to a rejected request.

import { AccessTokenError, createAuthenticator, httpRejection } from "@certbound/core";
import { createServer } from "node:https";

/** Creates the API. `log` is called with one line at a time. */
export function createApi({ key, cert, issuer, log }) {
  const resource = "https://api.example.com";
  const authenticator = createAuthenticator({ issuer, audience: "https://api.example.com", resource });
  const { protectedResource } = authenticator;

  // Each route has its requirements. A misspelled requirement throws a TypeError here, not at the first request.
  const routes = new Map([
    ["GET /accounts", { authenticate: authenticator({ scopes: ["accounts:read"] }), handle: listAccounts }],
    ["GET /certificate", { authenticate: authenticator(), handle: describeCertificate }],
  ]);

  const respond = async (request) => {
    if (protectedResource.matches(request.method, request.url)) return json(200, protectedResource.metadata());
    const [path] = request.url.split("?");
    const route = routes.get(`${request.method} ${path}`);
    if (route === undefined) return json(404, { message: "not found" });
    return json(200, route.handle(await route.authenticate(request)));
  };

  const errorResponse = (error) => {
    log(error.code ?? error.message);
    // Any other error is a failure of the server, not of the client.
    if (!(error instanceof AccessTokenError)) return json(500, { message: "internal server error" });
    const { status, headers, body } = httpRejection(error, { resource });
    return json(status, body, headers);
  };

  // Request a certificate from every client, and let the API reject clients without one.
  // TLS 1.3 has no renegotiation.
  const tls = { key, cert, requestCert: true, rejectUnauthorized: false, minVersion: "TLSv1.3" };
  return createServer(tls, (request, response) => {
    const send = ({ status, headers, content }) => response.writeHead(status, headers).end(content);
    const reject = (error) => send(errorResponse(error));
    respond(request).then(send, reject);
  });
}

function listAccounts({ claims }) {
  return { accounts: ["A-1"], client: claims.client_id };
}

function describeCertificate({ clientCertificate: { thumbprint, x509 } }) {
  return { thumbprint, subject: x509.subject };
}

function json(status, body, headers = {}) {
  return { status, headers: { ...headers, "Content-Type": "application/json" }, content: JSON.stringify(body) };
}
