// A client gets a token from a real authorization server, over mutual TLS, and calls an API with it. Then somebody who
// has stolen the token, and has a certificate of the same authority, does the same.

import { createCertificateAuthority } from "@certbound/testing";
import assert from "node:assert/strict";
import { startApi } from "./api.js";
import { startAuthorizationServer } from "./authorization-server.js";
import { callApi, createFetch, requestToken } from "./client.js";

const authority = await createCertificateAuthority();
const ca = authority.certificate;
const [serverCertificate, clientCertificate, thiefCertificate] = await Promise.all([
  authority.issueServerCertificate(),
  authority.issueClientCertificate({ commonName: "client-1" }),
  authority.issueClientCertificate({ commonName: "thief" }),
]);
const client = createFetch({ ca, identity: clientCertificate });
const thief = createFetch({ ca, identity: thiefCertificate });
const plain = createFetch({ ca });

const audience = "https://api.example.com";
const authorizationServer = await startAuthorizationServer({
  certificate: serverCertificate,
  trusted: ca,
  api: { audience, scopes: ["read"] },
  clients: [
    {
      client_id: "client-1",
      token_endpoint_auth_method: "tls_client_auth",
      tls_client_auth_subject_dn: "CN=client-1",
      tls_client_certificate_bound_access_tokens: true,
      grant_types: ["client_credentials"],
      response_types: [],
      redirect_uris: [],
    },
  ],
});
const { issuer } = authorizationServer;
const api = await startApi({ certificate: serverCertificate, issuer, audience, fetch: plain.fetch });

const token = await requestToken({ issuer, clientId: "client-1", scope: "read", fetch: client.fetch });
const { cnf } = JSON.parse(Buffer.from(token.split(".")[1], "base64url"));
console.log("the token is bound to", cnf);
assert.deepEqual(cnf, { "x5t#S256": clientCertificate.thumbprint });

const served = { status: 200, body: { client: "client-1" } };
const refused = { status: 401, body: { message: "unauthorized" } };
const callers = [
  { name: "the client, with its certificate", by: client, expected: served },
  { name: "the thief, with another certificate", by: thief, expected: refused },
  { name: "the thief, without a certificate", by: plain, expected: refused },
];
for (const { name, by, expected } of callers) {
  const answer = await callApi(`${api.url}/accounts`, { token, fetch: by.fetch });
  console.log(`${answer.status} for ${name}`);
  assert.deepEqual(answer, expected);
}

await Promise.all([client, thief, plain].map(({ close }) => close()));
await Promise.all([api.close(), authorizationServer.close()]);
