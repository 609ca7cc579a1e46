// #region createTestKit
import { createTestKit } from "@certbound/testing";
import { createServer } from "node:https";
// #endregion
import { createVerifier } from "@certbound/core";
import {
  createCertificateAuthority,
  createClock,
  createIssuer,
  createSelfSignedCertificate,
  forgeToken,
  forwardedHeaders,
  type Identity,
  type Issuer,
  mtlsAgent,
  mtlsFetch,
  mtlsRequest,
  startServer,
  tamperPayload,
  tamperSignature,
  type TestKit,
  type TestKitVerifierOptions,
} from "@certbound/testing";
import assert from "node:assert/strict";
import { once } from "node:events";
import type { IncomingMessage, RequestListener } from "node:http";
import { get } from "node:https";

/** Tests an API with the token of one client and the certificate of another. */
export async function testWithKit(
  createApp: (options: TestKitVerifierOptions) => RequestListener,
): Promise<readonly number[]> {
  // #region createTestKit

  const kit = await createTestKit();
  const { url } = await kit.startServer(createServer(kit.serverOptions, createApp(kit.verifierOptions)));
  const [client, thief] = [await kit.issueClientCertificate(), await kit.issueClientCertificate()];
  const token = await kit.accessToken({ boundTo: client });

  const accepted = await kit.mtlsRequest(`${url}/accounts`, { identity: client, token }); // 200
  const rejected = await kit.mtlsRequest(`${url}/accounts`, { identity: thief, token }); // 401
  await kit.close();
  // #endregion
  return [accepted.status, rejected.status];
}

/** Sends a request to a server that accepts only clients with a certificate of one CA. */
export async function requestWithAuthority(app: RequestListener): Promise<string> {
  // #region createCertificateAuthority
  const ca = await createCertificateAuthority();
  const { key, certificate: cert } = await ca.issueServerCertificate();
  const client = await ca.issueClientCertificate({ commonName: "client-1" });

  // The handshake fails for clients without a certificate of this CA.
  const tls = { key, cert, ca: ca.certificate, requestCert: true, rejectUnauthorized: true };
  const { url, close } = await startServer(createServer(tls, app));
  const { body } = await mtlsRequest(`${url}/accounts`, { ca: ca.certificate, identity: client });
  await close();
  // #endregion
  return body;
}

/** Sends a request with a self-signed certificate to an API. */
export async function requestWithSelfSignedCertificate(url: string, issuer: Issuer, ca: string): Promise<number> {
  // #region createSelfSignedCertificate
  const client = await createSelfSignedCertificate({ commonName: "client-1" });
  const token = await issuer.accessToken({ boundTo: client });

  // 200 if the server has rejectUnauthorized: false; the binding does not need a chain (RFC 8705 section 2.2)
  const { status } = await mtlsRequest(`${url}/accounts`, { ca, identity: client, token });
  // #endregion
  return status;
}

/** Verifies a token until it has expired. */
export async function expireToken(client: Identity): Promise<void> {
  // #region createClock
  const clock = createClock();
  const { issuer, audience, accessToken, close } = await createIssuer({ clock });
  const verifier = createVerifier({ issuer, audience, clock });
  const token = await accessToken({ boundTo: client, expiresIn: 300 });
  await verifier.verify(token, { clientCertificate: client.certificate });

  clock.advance({ minutes: 6 });
  const expired = verifier.verify(token, { clientCertificate: client.certificate });
  await assert.rejects(expired, { code: "ERR_TOKEN_EXPIRED" });
  await close();
  // #endregion
}

/** Verifies a token of an issuer on loopback, and returns its scope. */
export async function verifyWithIssuer(client: Identity): Promise<unknown> {
  // #region createIssuer
  const issuer = await createIssuer({ audience: "https://api.example.com" });
  const verifier = createVerifier({ issuer: issuer.issuer, audience: issuer.audience });

  const token = await issuer.accessToken({ boundTo: client, claims: { scope: "read write" } });
  const { claims } = await verifier.verify(token, { clientCertificate: client.certificate, scopes: ["write"] });
  await issuer.close();
  // #endregion
  return claims.scope;
}

/** Sends a request as nginx forwards it. */
export async function requestThroughNginx(
  url: string,
  { client, token, proxySecret }: { readonly client: Identity; readonly token: string; readonly proxySecret: string },
): Promise<number> {
  // #region forwardedHeaders
  const { status } = await fetch(`${url}/accounts`, {
    headers: {
      ...forwardedHeaders("nginx", client), // ssl-client-cert and ssl-client-verify
      "x-proxy-secret": proxySecret,
      authorization: `Bearer ${token}`,
    },
  });
  // #endregion
  return status;
}

/** Sends a request through an agent. */
export async function requestWithAgent(url: string, kit: TestKit, client: Identity): Promise<number | undefined> {
  const token = await kit.accessToken({ boundTo: client });
  // #region mtlsAgent
  const agent = mtlsAgent({ ca: kit.ca.certificate, identity: client });

  const request = get(`${url}/accounts`, { agent, headers: { authorization: `Bearer ${token}` } });
  const [response] = (await once(request, "response")) as [IncomingMessage];
  assert.equal(response.statusCode, 200);
  agent.destroy();
  // #endregion
  return response.statusCode;
}

/** Fetches with a certificate and a token. */
export async function fetchWithCertificate(url: string, kit: TestKit, client: Identity): Promise<unknown> {
  const token = await kit.accessToken({ boundTo: client });
  // #region mtlsFetch
  const fetchAsClient = mtlsFetch({ ca: kit.ca.certificate, identity: client, token });

  const response = await fetchAsClient(`${url}/accounts`);
  assert.equal(response.status, 200);
  const account = await response.json();
  // #endregion
  return account;
}

/** Sends a token with the certificate of its client, and with another one. */
export async function requestWithStolenToken(url: string, kit: TestKit): Promise<void> {
  // #region mtlsRequest
  const ca = kit.ca.certificate;
  const [client, thief] = [await kit.issueClientCertificate(), await kit.issueClientCertificate()];
  const token = await kit.accessToken({ boundTo: client });

  const accepted = await mtlsRequest(`${url}/accounts`, { ca, identity: client, token });
  assert.equal(accepted.status, 200);
  const rejected = await mtlsRequest(`${url}/accounts`, { ca, identity: thief, token });
  assert.equal(rejected.status, 401);
  // #endregion
}

/** Starts a server, sends a request, and closes the server. */
export async function requestToServer(kit: TestKit, app: RequestListener): Promise<number> {
  // #region startServer
  const { url, close } = await startServer(createServer(kit.serverOptions, app));

  const { status } = await mtlsRequest(`${url}/accounts`, { ca: kit.ca.certificate });
  assert.equal(status, 401);
  await close();
  // #endregion
  return status;
}

/** Sends a token without a signature. */
export async function requestWithUnsignedToken(url: string, kit: TestKit, client: Identity): Promise<void> {
  // #region forgeToken
  const token = forgeToken({
    header: { alg: "none", typ: "at+jwt" },
    payload: { iss: kit.issuer.issuer, aud: kit.issuer.audience, cnf: { "x5t#S256": client.thumbprint } },
  });

  const { status } = await kit.mtlsRequest(`${url}/accounts`, { identity: client, token });
  assert.equal(status, 401);
  // #endregion
}

/** Sends a token with changed claims. */
export async function requestWithChangedClaims(url: string, kit: TestKit, client: Identity): Promise<void> {
  // #region tamperPayload
  const token = await kit.accessToken({ boundTo: client, claims: { scope: "read" } });
  const tampered = tamperPayload(token, { scope: "read write" });

  const { status } = await kit.mtlsRequest(`${url}/accounts`, { identity: client, token: tampered });
  assert.equal(status, 401);
  // #endregion
}

/** Sends a token with a changed signature. */
export async function requestWithChangedSignature(url: string, kit: TestKit, client: Identity): Promise<void> {
  // #region tamperSignature
  const token = await kit.accessToken({ boundTo: client });
  const tampered = tamperSignature(token);

  const { status } = await kit.mtlsRequest(`${url}/accounts`, { identity: client, token: tampered });
  assert.equal(status, 401);
  // #endregion
}
