/** Creates what writes a line for each thing that was done, or rejected: as JSON, since a certificate may hold any name. */
export function createAudit({ log, tenants }) {
  return {
    done: (action, { accessToken }) => {
      const { client_id: client, sub: user } = accessToken.claims;
      const { subject, serialNumber } = accessToken.clientCertificate.x509;
      log(JSON.stringify({ action, tenant: tenants.ofToken(accessToken), client, user, subject, serialNumber }));
    },
    // Whose request it was, nobody knows: its token or its certificate may be somebody else's.
    rejected: ({ code, detail }, { method, path }) =>
      log(JSON.stringify({ rejected: `${method} ${path}`, code, detail })),
    // The type of an error about a body: its message may quote the body.
    failed: ({ type, stack }, { method, path }, status) =>
      log(JSON.stringify({ failed: `${method} ${path}`, status, error: type ?? stack })),
  };
}
