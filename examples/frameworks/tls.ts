const { SERVER_KEY: key, SERVER_CERTIFICATE: cert } = process.env; // PEM
if (key === undefined || cert === undefined) throw new Error("set SERVER_KEY and SERVER_CERTIFICATE");

/** Requests a certificate from every client. The API rejects clients without one: 401 instead of a failed handshake. */
export const tls = {
  key,
  cert,
  requestCert: true,
  rejectUnauthorized: false,
  minVersion: "TLSv1.3", // TLS 1.3 has no renegotiation
} as const;
