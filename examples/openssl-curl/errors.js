// Errors before any response: the arguments of curl, its error message, and the log line of the API. `at` is the server: the
// API, the API with STRICT=1, or `openssl s_server` with a clock that is one day slow or 300 days fast.

const client = ["--cert", "client.pem", "--key", "client-key.pem"];
const server = ["--cert", "server.pem", "--key", "server-key.pem"];
const selfSigned = ["--cert", "own.pem", "--key", "own-key.pem"];
const otherCa = ["--cert", "foreign.pem", "--key", "thief-key.pem"];
const trustCa = ["--cacert", "ca.pem"];

export const errors = [
  {
    at: "api",
    args: [...client],
    curl: "unable to get local issuer certificate",
    log: "ERR_SSL_TLSV1_ALERT_UNKNOWN_CA",
  },
  {
    at: "strict",
    args: [...client],
    curl: "self-signed certificate in certificate chain",
    log: "ERR_SSL_TLSV1_ALERT_UNKNOWN_CA",
  },
  {
    at: "api",
    host: "api.test",
    args: [...trustCa, ...client],
    curl: "no alternative certificate subject name matches target host name",
  },
  {
    at: "api",
    args: [...trustCa, "--cert", "client.pem", "--key", "thief-key.pem"],
    curl: "unable to set private key file",
  },
  {
    at: "strict",
    args: [...trustCa],
    curl: "tlsv13 alert certificate required",
    log: "ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE",
  },
  {
    at: "strict",
    args: [...trustCa, "--tls-max", "1.2"],
    curl: "alert handshake failure",
    log: "ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE",
  },
  // Node.js closes the connection without an alert. curl reports a reset or an empty reply.
  { at: "strict", args: [...trustCa, ...selfSigned], log: "DEPTH_ZERO_SELF_SIGNED_CERT" },
  { at: "strict", args: [...trustCa, ...otherCa], log: "UNABLE_TO_VERIFY_LEAF_SIGNATURE" },
  { at: "strict", args: [...trustCa, ...server], log: "INVALID_PURPOSE" },
  { at: "slow", args: [...trustCa, ...selfSigned], curl: "alert unknown ca" },
  { at: "slow", args: [...trustCa, ...otherCa], curl: "alert unknown ca" },
  { at: "slow", args: [...trustCa, ...server], curl: "alert unsupported certificate" },
  { at: "slow", args: [...trustCa, ...client], curl: "alert bad certificate" },
  { at: "fast", args: [...trustCa, ...client], curl: "alert certificate expired" },
];
