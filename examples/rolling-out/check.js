// An API that accepts bearer tokens introduces the binding in three stages, without rejecting clients unexpectedly.
//
// There are three kinds of legitimate clients. `ready` presents the certificate that its token is bound to. `legacy` has no
// certificate, and unbound tokens. `misrouted` has bound tokens, and calls through a gateway that presents its own certificate.

import {
  createCertificateAuthority,
  createIssuer,
  mtlsRequest,
  startServer,
  tamperSignature,
} from "@certbound/testing";
import assert from "node:assert/strict";
import { createApi } from "./api.js";
import { countDecisions } from "./decisions.js";

const ca = await createCertificateAuthority();
const [host, certificate, gateway] = await Promise.all([
  ca.issueServerCertificate(),
  ca.issueClientCertificate({ commonName: "client" }),
  ca.issueClientCertificate({ commonName: "gateway" }),
]);
const issuer = await createIssuer({ audience: "https://api.example.com" });
const issue = (clientId, boundTo) =>
  issuer.accessToken({ claims: { client_id: clientId }, ...(boundTo && { boundTo }) });
const legacyToken = await issue("legacy");
const clients = {
  ready: { calls: 3, identity: certificate, token: await issue("ready", certificate) },
  legacy: { calls: 2, token: legacyToken },
  misrouted: { calls: 1, identity: gateway, token: await issue("misrouted", certificate) },
  forger: { calls: 1, token: tamperSignature(legacyToken) }, // is rejected at every stage
};

/** Calls an API at this stage as every client. Returns the status for each client, and the counts. */
async function runStage(validateCertificateBinding) {
  const settings = { issuer: issuer.issuer, validateCertificateBinding };
  const api = await startServer(createApi({ key: host.key, cert: host.certificate, ...settings }));
  const readCounts = countDecisions();
  const statuses = {};
  for (const [name, { calls, ...credentials }] of Object.entries(clients)) {
    for (let call = 0; call < calls; call += 1) {
      const response = await mtlsRequest(`${api.url}/accounts`, { ca: ca.certificate, ...credentials });
      statuses[name] = response.status;
    }
  }
  await api.close();
  const counts = readCounts();
  console.log(`validateCertificateBinding: ${validateCertificateBinding}`);
  for (const [row, count] of Object.entries(counts)) console.log(`  ${count} ${row}`);
  return { statuses, counts };
}

// At first, no request is rejected because of its binding. The counts show which clients would be rejected: contact them now.
assert.deepEqual(await runStage("report-only"), {
  statuses: { ready: 200, legacy: 200, misrouted: 200, forger: 401 },
  counts: {
    "accepted - ready": 3,
    "reported ERR_CERTIFICATE_MISSING legacy": 2,
    "reported ERR_BINDING_MISMATCH misrouted": 1,
    "rejected ERR_TOKEN_SIGNATURE (unknown)": 1,
  },
});

// Then a bound token is accepted only with its certificate. A rejection does not name a client, because the token may be stolen.
assert.deepEqual(await runStage("when-bound"), {
  statuses: { ready: 200, legacy: 200, misrouted: 401, forger: 401 },
  counts: {
    "accepted - ready": 3,
    "accepted - legacy": 2,
    "rejected ERR_BINDING_MISMATCH (unknown)": 1,
    "rejected ERR_TOKEN_SIGNATURE (unknown)": 1,
  },
});

// Finally, every token must be bound. A request without a certificate is rejected before the signature is verified, so the
// forger also counts as ERR_CERTIFICATE_MISSING.
assert.deepEqual(await runStage(true), {
  statuses: { ready: 200, legacy: 401, misrouted: 401, forger: 401 },
  counts: {
    "accepted - ready": 3,
    "rejected ERR_CERTIFICATE_MISSING (unknown)": 3,
    "rejected ERR_BINDING_MISMATCH (unknown)": 1,
  },
});

await issuer.close();
