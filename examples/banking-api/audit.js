/** Creates the audit log: one line of JSON for each action and rejection. JSON escapes the names in certificates. */
export function createAudit({ log, tenants }) {
  return {
    done: (action, { accessToken }) => {
      const { client_id: client, sub: user } = accessToken.claims;
      const { subject, serialNumber } = accessToken.clientCertificate.x509;
      log(JSON.stringify({ action, tenant: tenants.ofToken(accessToken), client, user, subject, serialNumber }));
    },
    // Does not log a client, because the token or the certificate may belong to another client.
    rejected: ({ code, detail }, { method, path }) =>
      log(JSON.stringify({ rejected: `${method} ${path}`, code, detail })),
    // If a body is invalid, logs only the type of the error, because its message may quote the body.
    failed: ({ type, stack }, { method, path }, status) =>
      log(JSON.stringify({ failed: `${method} ${path}`, status, error: type ?? stack })),
  };
}
