// No framework: createAuthenticator reads the token and the certificate of a request, httpRejection writes the answer to one
// that is rejected.

import { AccessTokenError, createAuthenticator, httpRejection } from "@certbound/core";
import { createServer } from "node:https";

/** Creates the API; `log` takes one line at a time. */
export function createApi({ key, cert, issuer, log }) {
  const resource = "https://api.example.com";
  const authenticator = createAuthenticator({ issuer, audience: "https://api.example.com", resource });
  const { protectedResource } = authenticator;

  // Each route with what it asks for; a misspelled requirement is a TypeError here, not at the first request.
  const routes = new Map([
    ["GET /accounts", { authenticate: authenticator({ scopes: ["accounts:read"] }), answer: listAccounts }],
    ["GET /certificate", { authenticate: authenticator(), answer: describeCertificate }],
  ]);

  const respond = async (request) => {
    if (protectedResource.matches(request.method, request.url)) return json(200, protectedResource.metadata());
    const [path] = request.url.split("?");
    const route = routes.get(`${request.method} ${path}`);
    if (route === undefined) return json(404, { message: "not found" });
    return json(200, route.answer(await route.authenticate(request)));
  };

  const answerTo = (error) => {
    log(error.code ?? error.message);
    // Whatever else went wrong is no fault of the client's.
    if (!(error instanceof AccessTokenError)) return json(500, { message: "internal server error" });
    const { status, headers, body } = httpRejection(error, { resource });
    return json(status, body, headers);
  };

  // Ask every client for its certificate, and let the API reject the ones without.
  // TLS 1.3 only: it has no renegotiation.
  const tls = { key, cert, requestCert: true, rejectUnauthorized: false, minVersion: "TLSv1.3" };
  return createServer(tls, (request, response) => {
    const send = ({ status, headers, content }) => response.writeHead(status, headers).end(content);
    const reject = (error) => send(answerTo(error));
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
