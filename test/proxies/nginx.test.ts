import { nginx } from "@certbound/core";
import { test } from "vitest";
import { forwardingCases, resumptionCases, largeCertificateCases } from "./forwarding-cases.ts";
import { forgedFields, type Front, secretAndAddress } from "./front.ts";
import { expectRejected } from "./outcome.ts";
import { withResumption } from "./resumption.ts";
import { describeProxy } from "./stage.ts";
import { listenerCases, pastProxyCases, unverifiedCases } from "./trust-cases.ts";

const verified: Front = {
  name: "certificates of a CA",
  listener: "VERIFIED_PORT",
  format: nginx(),
  verified: { "ssl-client-verify": "SUCCESS" },
  selfSigned: "rejected",
  tooLarge: "rejected by Node",
  resumes: false,
  deletable: false,
  httpVersions: [1],
  trust: secretAndAddress,
};

const any: Front = {
  ...verified,
  name: "any certificate",
  listener: "ANY_PORT",
  format: nginx({ verify: "presented" }),
  selfSigned: "accepted",
};

const unverified: Front = {
  ...any,
  name: "any certificate, to an API that requires verified certificates",
  format: nginx(),
};
const largeHeaders: Front = { ...verified, name: "64 KB for headers", tooLarge: "accepted" };
const unixSocket: Front = { ...verified, name: "unix socket", trust: () => ({ unixSocket: true }) };
const mutualTls: Front = {
  ...verified,
  name: "the proxy's client certificate",
  trust: ({ proxy }) => ({ certificateThumbprints: [proxy.thumbprint] }),
};

const resumingVerified: Front = { ...verified, resumes: true };
const resumingAny: Front = { ...any, resumes: true };

describeProxy({ proxy: "nginx", configuration: "nginx.conf", fronts: [verified, any, unverified] }, (stage) => {
  forwardingCases(stage, verified);
  forwardingCases(stage, any);
  listenerCases(stage, { verified, any });
  unverifiedCases(stage, unverified);
  pastProxyCases(stage, verified);
});

describeProxy(
  { proxy: "nginx", configuration: "nginx.conf", edit: withResumption, fronts: [resumingVerified, resumingAny] },
  (stage) => {
    resumptionCases(stage, resumingVerified);
    resumptionCases(stage, resumingAny);
    listenerCases(stage, { verified: resumingVerified, any: resumingAny });
  },
);

describeProxy({ proxy: "nginx", configuration: "nginx.conf", fronts: [largeHeaders], maxHeaderSize: 65_536 }, (stage) =>
  largeCertificateCases(stage, largeHeaders),
);

describeProxy(
  { proxy: "nginx", configuration: "nginx-unix-socket.conf", fronts: [unixSocket], api: "unix socket" },
  (stage) => {
    forwardingCases(stage, unixSocket, ["Express"]);

    test("rejects the header over TCP", async () => {
      const { sendDirectly, pki } = stage();
      const attempt = { token: "ec", headers: forgedFields(unixSocket, pki.clients.ec) } as const;
      const outcome = await sendDirectly({ front: unixSocket, framework: "Express" }, attempt);
      expectRejected(outcome, "ERR_CERTIFICATE_UNTRUSTED");
    });
  },
);

describeProxy({ proxy: "nginx", configuration: "nginx-mutual-tls.conf", fronts: [mutualTls], api: "tls" }, (stage) => {
  forwardingCases(stage, mutualTls, ["Fastify"]);

  test.each([
    ["no certificate", undefined],
    ["a thief's certificate", "thief"],
  ] as const)("rejects the header of a client that bypasses the proxy with %s", async (_name, client) => {
    const { sendDirectly, pki } = stage();
    const headers = forgedFields(mutualTls, pki.clients.ec);
    const attempt = { token: "ec", headers, ...(client && { client }) } as const;
    const outcome = await sendDirectly({ front: mutualTls, framework: "Fastify" }, attempt);
    expectRejected(outcome, "ERR_CERTIFICATE_UNTRUSTED");
  });
});
