// Configured as the documentation of @sap/xssec describes Express and x5t validation.

import xssec from "@sap/xssec";

const { createSecurityContext, errors, IdentityService, SECURITY_CONTEXT } = xssec;

/** @type {import("../candidate.js").CreateHandlers} */
export function createHandlers({ httpsIssuer, audience }) {
  const credentials = { clientid: audience, url: httpsIssuer, domains: [new URL(httpsIssuer).host] };
  const service = new IdentityService(credentials, { validation: { x5t: { enabled: true } } });
  const handler = (contextOf) => async (request, response, next) => {
    try {
      request[SECURITY_CONTEXT] = await createSecurityContext(service, contextOf(request));
      return next();
    } catch (error) {
      return response.sendStatus(error instanceof errors.ValidationError ? 401 : 500);
    }
  };
  return {
    required: handler((req) => ({ req, clientCertificatePem: req.socket.getPeerX509Certificate()?.toString() })),
    forwarded: handler((req) => ({ req })),
  };
}
