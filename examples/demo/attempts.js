import { tamperSignature } from "@certbound/testing";

/**
 * Lists what is tried, and what has to come of it. `error` is that of the challenge: null for a challenge without one,
 * undefined for no challenge at all.
 */
export async function listAttempts({ client, thief, issuer, unreachable }) {
  const bound = await issuer.accessToken({ boundTo: client });
  const rejected = { identity: client, status: 401, error: "invalid_token" };
  return [
    { name: "bound token, its own certificate", identity: client, token: bound, status: 200 },
    { ...rejected, name: "stolen token, the thief's certificate", identity: thief, token: bound },
    { ...rejected, name: "bound token, no certificate", identity: undefined, token: bound },
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
