/** Creates the audit log: one line for each action and rejection, as JSON, because a certificate can contain any name. */
export function createAudit({ log, tenants }) {
  return {
    done: (action, { accessToken }) => {
      const { client_id: client, sub: user } = accessToken.claims;
      const { subject, serialNumber } = accessToken.clientCertificate.x509;
      log(JSON.stringify({ action, tenant: tenants.ofToken(accessToken), client, user, subject, serialNumber }));
    },
    // Does not log a client: the token or the certificate may belong to another one.
    rejected: ({ code, detail }, { method, path }) =>
      log(JSON.stringify({ rejected: `${method} ${path}`, code, detail })),
    // Logs the type of an error about a body, because its message may quote the body.
    failed: ({ type, stack }, { method, path }, status) =>
      log(JSON.stringify({ failed: `${method} ${path}`, status, error: type ?? stack })),
  };
}
