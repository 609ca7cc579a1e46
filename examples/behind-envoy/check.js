// Sends requests to api.js as Envoy would, in the documented format of x-forwarded-client-cert, and as a thief would. Does
// not run Envoy.

import { createCertificateAuthority, createIssuer } from "@certbound/testing";
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";

const ca = await createCertificateAuthority();
const [client, thief, gateway, workload] = await Promise.all(
  ["client", "thief", "gateway", "workload"].map((commonName) => ca.issueClientCertificate({ commonName })),
);
const issuer = await createIssuer({ audience: "https://api.example.com" });
const secret = randomBytes(32).toString("base64url");
Object.assign(process.env, { ISSUER: issuer.issuer, PROXY_SECRET: secret, PORT: "0" });
const { server } = await import("./api.js");
if (!server.listening) await once(server, "listening");

const token = await issuer.accessToken({ boundTo: client });
const statusOf = async (path, headers) => {
  const url = `http://127.0.0.1:${server.address().port}${path}`;
  const response = await fetch(url, { headers: { authorization: `Bearer ${token}`, ...headers } });
  return response.status;
};

const hash = ({ der }) => createHash("sha256").update(der).digest("hex");
const account = (name) => `spiffe://cluster.local/ns/istio-system/sa/${name}`;
const element = (identity, more = "") => `By=${account("api")};Hash=${hash(identity)}${more}`;
const fromEnvoy = (value) => ({ "x-forwarded-client-cert": value, "x-proxy-secret": secret });
const details = (identity) => `;Cert="${encodeURIComponent(identity.certificate)}";Subject="CN=client";URI=;DNS=`;

try {
  // At the edge.
  assert.equal(await statusOf("/accounts", fromEnvoy(element(client, details(client)))), 200);
  assert.equal(await statusOf("/accounts", fromEnvoy(element(client))), 200);
  assert.equal(await statusOf("/accounts", fromEnvoy(element(thief))), 401);
  assert.equal(await statusOf("/accounts", { "x-forwarded-client-cert": element(client) }), 401);
  assert.equal(await statusOf("/accounts", { "x-proxy-secret": secret }), 401);
  // Envoy appends its element to one that the client sent (APPEND_FORWARD), or a name in the certificate injects a Hash.
  assert.equal(await statusOf("/accounts", fromEnvoy(`${element(client)},${element(thief)}`)), 401);
  assert.equal(await statusOf("/accounts", fromEnvoy(element(thief, `;URI=x;Hash=${hash(client)}`))), 401);
  assert.equal(await statusOf("/accounts", fromEnvoy(element(thief, details(client)))), 401);

  // In a mesh.
  const byGateway = element(gateway, `;URI=${account("istio-ingressgateway-service-account")}`);
  const byWorkload = element(workload, `;URI=${account("another-workload")}`);
  assert.equal(await statusOf("/mesh/accounts", fromEnvoy(`${element(client)},${byGateway}`)), 200);
  assert.equal(await statusOf("/mesh/accounts", fromEnvoy(`${element(thief)},${byGateway}`)), 401);
  assert.equal(await statusOf("/mesh/accounts", fromEnvoy(`${element(client)},${byWorkload}`)), 401);
  assert.equal(await statusOf("/mesh/accounts", fromEnvoy(element(client))), 401);
} finally {
  server.close();
  await issuer.close();
}
console.log("200 for the client that the token is bound to, if Envoy wrote the header; 401 for all others");
