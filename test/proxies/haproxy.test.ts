import { haproxy, rfc9440 } from "@certbound/core";
import { addingCases } from "./adding-cases.ts";
import { forwardingCases, resumptionCases, largeCertificateCases } from "./forwarding-cases.ts";
import { type Front, secretAndAddress } from "./front.ts";
import { withResumption } from "./resumption.ts";
import { describeProxy } from "./stage.ts";
import { listenerCases, pastProxyCases, unverifiedCases } from "./trust-cases.ts";

const usedHeader = "x-ssl-client-used";

const verified: Front = {
  name: "certificates of a CA",
  listener: "VERIFIED_PORT",
  format: haproxy({ usedHeader }),
  verified: { "x-ssl-client-verify": "0", [usedHeader]: "1" },
  selfSigned: "rejected",
  tooLarge: "forwarded as missing",
  resumes: false,
  deletable: false,
  httpVersions: [1, 2],
  trust: secretAndAddress,
};

const any: Front = {
  ...verified,
  name: "any certificate",
  listener: "ANY_PORT",
  format: haproxy({ verify: "presented", usedHeader }),
  selfSigned: "accepted",
};

const unverified: Front = {
  ...any,
  name: "any certificate, to an API that requires verified certificates",
  format: verified.format,
};
const largeHeaders: Front = { ...verified, name: "64 KB for headers", tooLarge: "accepted" };
const adding: Front = {
  ...verified,
  name: "headers that are added, not replaced",
  trust: () => ({ addresses: ["127.0.0.1"] }),
};
const byteSequence: Front = { ...verified, name: "RFC 9440", format: rfc9440(), verified: {} };

const base64url: Front = {
  ...verified,
  name: "thumbprint",
  format: haproxy({ encoding: "sha256-base64url", usedHeader }),
};

const hexadecimal: Front = {
  ...verified,
  name: "hexadecimal SHA-256",
  format: haproxy({ encoding: "sha256-hex", usedHeader }),
};

const resumingVerified: Front = { ...verified, resumes: true };
const resumingAny: Front = { ...any, resumes: true };

describeProxy({ proxy: "HAProxy", configuration: "haproxy.cfg", fronts: [verified, any, unverified] }, (stage) => {
  forwardingCases(stage, verified);
  forwardingCases(stage, any);
  listenerCases(stage, { verified, any });
  unverifiedCases(stage, unverified);
  pastProxyCases(stage, verified);
});

describeProxy(
  { proxy: "HAProxy", configuration: "haproxy.cfg", edit: withResumption, fronts: [resumingVerified, resumingAny] },
  (stage) => {
    resumptionCases(stage, resumingVerified);
    resumptionCases(stage, resumingAny);
    listenerCases(stage, { verified: resumingVerified, any: resumingAny });
  },
);

describeProxy({ proxy: "HAProxy", configuration: "haproxy-rfc9440.cfg", fronts: [byteSequence] }, (stage) => {
  forwardingCases(stage, byteSequence, ["Express"]);
  pastProxyCases(stage, byteSequence);
});

describeProxy({ proxy: "HAProxy", configuration: "haproxy-sha256.cfg", fronts: [base64url, hexadecimal] }, (stage) => {
  forwardingCases(stage, base64url, ["Fastify"]);
  forwardingCases(stage, hexadecimal, ["Express"]);
  pastProxyCases(stage, base64url);
});

describeProxy(
  { proxy: "HAProxy", configuration: "haproxy-large-certificates.cfg", fronts: [largeHeaders], maxHeaderSize: 65_536 },
  (stage) => largeCertificateCases(stage, largeHeaders),
);

describeProxy({ proxy: "HAProxy", configuration: "haproxy-adding.cfg", fronts: [adding] }, (stage) =>
  addingCases(stage, adding),
);
