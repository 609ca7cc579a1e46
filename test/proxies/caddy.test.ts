import { caddy } from "@certbound/core";
import { addingCases } from "./adding-cases.ts";
import { forwardingCases, largeCertificateCases } from "./forwarding-cases.ts";
import { type Front, secretAndAddress } from "./front.ts";
import { describeProxy } from "./stage.ts";
import { listenerCases, pastProxyCases } from "./trust-cases.ts";

const verified: Front = {
  name: "certificates of a CA",
  listener: "VERIFIED_PORT",
  format: caddy(),
  verified: {},
  selfSigned: "rejected",
  tooLarge: "rejected by Node",
  resumes: true,
  deletable: false,
  httpVersions: [1, 2],
  trust: secretAndAddress,
};

const any: Front = { ...verified, name: "any certificate", listener: "ANY_PORT", selfSigned: "accepted" };

const fingerprint: Front = {
  ...verified,
  name: "fingerprint",
  format: caddy({ encoding: "sha256-hex" }),
  // Caddy does not forward the certificate itself.
  tooLarge: "accepted",
};

const largeHeaders: Front = { ...verified, name: "64 KB for headers", tooLarge: "accepted" };

const adding: Front = {
  ...verified,
  name: "a header that is added, not replaced",
  trust: () => ({ addresses: ["127.0.0.1"] }),
};

describeProxy({ proxy: "Caddy", configuration: "Caddyfile", fronts: [verified, any] }, (stage) => {
  forwardingCases(stage, verified);
  forwardingCases(stage, any);
  listenerCases(stage, { verified, any });
  pastProxyCases(stage, verified);
});

describeProxy({ proxy: "Caddy", configuration: "Caddyfile-sha256", fronts: [fingerprint] }, (stage) => {
  forwardingCases(stage, fingerprint, ["Express"]);
  pastProxyCases(stage, fingerprint);
});

describeProxy({ proxy: "Caddy", configuration: "Caddyfile", fronts: [largeHeaders], maxHeaderSize: 65_536 }, (stage) =>
  largeCertificateCases(stage, largeHeaders),
);

describeProxy({ proxy: "Caddy", configuration: "Caddyfile-adding", fronts: [adding] }, (stage) =>
  addingCases(stage, adding),
);
