import { tamperSignature } from "@certbound/testing";

/**
 * Lists the requests of the demo and the expected responses. `error` is the error in the challenge: null for a challenge
 * without an error, undefined for no challenge.
 */
export async function listAttempts({ client, thief, issuer, unreachable }) {
  const bound = await issuer.accessToken({ boundTo: client });
  const rejected = { identity: client, status: 401, error: "invalid_token" };
  return [
    { name: "bound token, with its certificate", identity: client, token: bound, status: 200 },
    { ...rejected, name: "stolen token, with the thief's certificate", identity: thief, token: bound },
    { ...rejected, name: "bound token, without a certificate", identity: undefined, token: bound },
    { ...rejected, name: "unbound token", token: await issuer.accessToken() },
    { ...rejected, name: "expired token", token: await issuer.accessToken({ boundTo: client, expiresIn: -60 }) },
    {
      ...rejected,
      name: "token for another API",
      token: await issuer.accessToken({ boundTo: client, claims: { aud: "https://other.example.com" } }),
    },
    {
      ...rejected,
      name: "token of another issuer",
      token: await issuer.accessToken({ boundTo: client, claims: { iss: "https://other.example.com" } }),
    },
    { ...rejected, name: "tampered signature", token: tamperSignature(bound) },
    { ...rejected, name: "no token", token: undefined, error: null },
    {
      name: "scope missing",
      method: "POST",
      path: "/payments",
      identity: client,
      token: bound,
      status: 403,
      error: "insufficient_scope",
    },
    {
      name: "scope granted",
      method: "POST",
      path: "/payments",
      identity: client,
      token: await issuer.accessToken({ boundTo: client, claims: { scope: "read pay" } }),
      status: 201,
    },
    {
      name: "the issuer's keys cannot be reached",
      identity: client,
      token: await unreachable.accessToken({ boundTo: client }),
      status: 503,
    },
  ];
}
