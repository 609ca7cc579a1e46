import { apache, rfc9440 } from "@certbound/core";
import { forwardingCases, resumptionCases, largeCertificateCases } from "./forwarding-cases.ts";
import { type Front, secretAndAddress } from "./front.ts";
import { withResumption } from "./resumption.ts";
import { describeProxy } from "./stage.ts";
import { listenerCases, pastProxyCases, unverifiedCases } from "./trust-cases.ts";

const verified: Front = {
  name: "certificates of a CA",
  listener: "VERIFIED_PORT",
  format: apache(),
  verified: { "x-ssl-client-verify": "SUCCESS" },
  selfSigned: "rejected",
  tooLarge: "rejected by Node",
  resumes: false,
  deletable: true,
  httpVersions: [1],
  trust: secretAndAddress,
};

const any: Front = {
  ...verified,
  name: "any certificate",
  listener: "ANY_PORT",
  format: apache({ verify: "presented" }),
  selfSigned: "accepted",
};

const unverified: Front = {
  ...any,
  name: "any certificate, to an API that requires verified certificates",
  format: apache(),
};
const largeHeaders: Front = { ...verified, name: "64 KB for headers", tooLarge: "accepted" };
const byteSequence: Front = { ...verified, name: "RFC 9440", format: rfc9440(), verified: {} };

const resumingVerified: Front = { ...verified, resumes: true };
const resumingAny: Front = { ...any, resumes: true };

describeProxy({ proxy: "Apache httpd", configuration: "apache.conf", fronts: [verified, any, unverified] }, (stage) => {
  forwardingCases(stage, verified);
  forwardingCases(stage, any);
  listenerCases(stage, { verified, any });
  unverifiedCases(stage, unverified);
  pastProxyCases(stage, verified);
});

describeProxy(
  {
    proxy: "Apache httpd",
    configuration: "apache.conf",
    edit: withResumption,
    fronts: [resumingVerified, resumingAny],
  },
  (stage) => {
    resumptionCases(stage, resumingVerified);
    resumptionCases(stage, resumingAny);
    listenerCases(stage, { verified: resumingVerified, any: resumingAny });
  },
);

describeProxy({ proxy: "Apache httpd", configuration: "apache-rfc9440.conf", fronts: [byteSequence] }, (stage) => {
  forwardingCases(stage, byteSequence, ["Fastify"]);
  pastProxyCases(stage, byteSequence);
});

describeProxy(
  { proxy: "Apache httpd", configuration: "apache.conf", fronts: [largeHeaders], maxHeaderSize: 65_536 },
  (stage) => largeCertificateCases(stage, largeHeaders),
);
