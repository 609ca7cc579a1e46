// A client requests a token from a real authorization server over mutual TLS, and calls an API with it. Then a thief with
// a certificate from the same CA calls the API with the same token. The first token is a JWT. The second one is opaque:
// the API introspects it, also over mutual TLS.

import { createCertificateAuthority } from "@certbound/testing";
import assert from "node:assert/strict";
import { startApi } from "./api.js";
import { startAuthorizationServer } from "./authorization-server.js";
import { callApi, createFetch, requestToken } from "./client.js";

const ca = await createCertificateAuthority();
const [serverCertificate, apiCertificate, clientCertificate, thiefCertificate] = await Promise.all([
  ca.issueServerCertificate(),
  ca.issueClientCertificate({ commonName: "api" }),
  ca.issueClientCertificate({ commonName: "client-1" }),
  ca.issueClientCertificate({ commonName: "thief" }),
]);
const apiAsClient = createFetch({ ca: ca.certificate, identity: apiCertificate });
const client = createFetch({ ca: ca.certificate, identity: clientCertificate });
const thief = createFetch({ ca: ca.certificate, identity: thiefCertificate });
const plain = createFetch({ ca: ca.certificate });

const registration = {
  token_endpoint_auth_method: "tls_client_auth",
  grant_types: [],
  response_types: [],
  redirect_uris: [],
};
const audiences = { jwt: "https://api.example.com", opaque: "https://opaque.api.example.com" };
const authorizationServer = await startAuthorizationServer({
  certificate: serverCertificate,
  ca: ca.certificate,
  api: { audiences, scopes: ["read"], clientId: "api" },
  clients: [
    {
      ...registration,
      client_id: "client-1",
      tls_client_auth_subject_dn: "CN=client-1",
      tls_client_certificate_bound_access_tokens: true,
      grant_types: ["client_credentials"],
    },
    { ...registration, client_id: "api", tls_client_auth_subject_dn: "CN=api" },
  ],
});
const { issuer } = authorizationServer;
const api = await startApi({
  certificate: serverCertificate,
  issuer,
  audience: Object.values(audiences),
  clientId: "api",
  fetch: apiAsClient.fetch,
});

/** Calls the API with the token of the client, as the client and as the thief. */
async function callWith(token, format) {
  const served = { status: 200, body: { client: "client-1", format } };
  const rejected = { status: 401, body: { message: "unauthorized" } };
  const callers = [
    { name: "the client, with its certificate", by: client, expected: served },
    { name: "the thief, with another certificate", by: thief, expected: rejected },
    { name: "the thief, without a certificate", by: plain, expected: rejected },
  ];
  for (const { name, by, expected } of callers) {
    const response = await callApi(`${api.url}/accounts`, { token, fetch: by.fetch });
    console.log(`${response.status} for ${name}`);
    assert.deepEqual(response, expected);
  }
}

const request = { issuer, clientId: "client-1", scope: "read", fetch: client.fetch };
const jwt = await requestToken({ ...request, resource: audiences.jwt });
const { cnf } = JSON.parse(Buffer.from(jwt.split(".")[1], "base64url"));
console.log("the JWT is bound to", cnf);
assert.deepEqual(cnf, { "x5t#S256": clientCertificate.thumbprint });
await callWith(jwt, "jwt");

const opaque = await requestToken({ ...request, resource: audiences.opaque });
console.log("the opaque token contains no claims; the introspection response contains its binding");
await callWith(opaque, "opaque");

await Promise.all([apiAsClient, client, thief, plain].map(({ close }) => close()));
await Promise.all([api.close(), authorizationServer.close()]);
