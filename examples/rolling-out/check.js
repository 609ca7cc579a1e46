// An API that takes bearer tokens learns to ask for the binding, in three stages, without locking anybody out by surprise.
//
// Three kinds of clients: `ready` presents the certificate that its token is bound to. `legacy` has no certificate, and tokens
// without a binding. `misrouted` has bound tokens, and calls through a gateway that presents a certificate of its own.

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

const authority = await createCertificateAuthority();
const [host, certificate, gateway] = await Promise.all([
  authority.issueServerCertificate(),
  authority.issueClientCertificate({ commonName: "client" }),
  authority.issueClientCertificate({ commonName: "gateway" }),
]);
const issuer = await createIssuer({ audience: "https://api.example.com" });
const issue = (clientId, boundTo) =>
  issuer.accessToken({ claims: { client_id: clientId }, ...(boundTo && { boundTo }) });
const legacyToken = await issue("legacy");
const clients = {
  ready: { calls: 3, identity: certificate, token: await issue("ready", certificate) },
  legacy: { calls: 2, token: legacyToken },
  misrouted: { calls: 1, identity: gateway, token: await issue("misrouted", certificate) },
  forger: { calls: 1, token: tamperSignature(legacyToken) }, // is let in at no stage
};

/** Has every client call an API at this stage, and gives what each was answered, and what was counted. */
async function runStage(validateCertificateBinding) {
  const settings = { issuer: issuer.issuer, validateCertificateBinding };
  const api = await startServer(createApi({ key: host.key, cert: host.certificate, ...settings }));
  const readCounts = countDecisions();
  const statuses = {};
  for (const [name, { calls, ...credentials }] of Object.entries(clients)) {
    for (let call = 0; call < calls; call += 1) {
      const response = await mtlsRequest(`${api.url}/accounts`, { ca: authority.certificate, ...credentials });
      statuses[name] = response.status;
    }
  }
  await api.close();
  const counts = readCounts();
  console.log(`validateCertificateBinding: ${validateCertificateBinding}`);
  for (const [row, count] of Object.entries(counts)) console.log(`  ${count} ${row}`);
  return { statuses, counts };
}

// First nothing is rejected for its binding, and the numbers name the clients that would be: now is the time to talk to them.
assert.deepEqual(await runStage("report-only"), {
  statuses: { ready: 200, legacy: 200, misrouted: 200, forger: 401 },
  counts: {
    "accepted - ready": 3,
    "reported ERR_CERTIFICATE_MISSING legacy": 2,
    "reported ERR_BINDING_MISMATCH misrouted": 1,
    "rejected ERR_TOKEN_SIGNATURE (unknown)": 1,
  },
});

// Then tokens that are bound are good for nobody else any more. Who is rejected is not known: the token may be stolen.
assert.deepEqual(await runStage("when-bound"), {
  statuses: { ready: 200, legacy: 200, misrouted: 401, forger: 401 },
  counts: {
    "accepted - ready": 3,
    "accepted - legacy": 2,
    "rejected ERR_BINDING_MISMATCH (unknown)": 1,
    "rejected ERR_TOKEN_SIGNATURE (unknown)": 1,
  },
});

// At last every token must be bound. Without a certificate not even a signature is looked at, so the forger counts among these.
assert.deepEqual(await runStage(true), {
  statuses: { ready: 200, legacy: 401, misrouted: 401, forger: 401 },
  counts: {
    "accepted - ready": 3,
    "rejected ERR_CERTIFICATE_MISSING (unknown)": 3,
    "rejected ERR_BINDING_MISMATCH (unknown)": 1,
  },
});

await issuer.close();
