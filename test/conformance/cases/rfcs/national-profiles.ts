import { certificateRules, certificateTenants } from "@certbound/core";
import {
  createCertificateAuthority,
  createSelfSignedCertificate,
  type Identity,
  mtlsRequest,
} from "@certbound/testing";
import { X509Certificate } from "node:crypto";
import { expect } from "vitest";
import { expectRejected } from "../../responses.ts";
import { type Api, conforms, type ConformanceCase, rejects } from "../../conformance-case.ts";
import { onEachServer } from "../../on-each-server.ts";
import { NOW, type Scene } from "../../scene.ts";

const openFinanceBrasil: Api = { verifier: () => ({ algorithms: ["PS256"], maxTokenAge: 900, clockTolerance: 0 }) };

/** Accepts only certificates whose chain to the CA of the servers was verified in the handshake. */
const requiresVerifiedChain: Api = {
  verifier: () => ({ certificatePolicy: certificateRules({ chainVerified: true }) }),
};

/** Accepts only certificates that this CA has issued, and that are valid by the clock of the verifier. */
const requiresIssuer: Api = {
  verifier: ({ ca }) => ({
    certificatePolicy: certificateRules({ issuers: [ca.certificate], currentlyValid: true }),
  }),
};

/** Accepts only tokens whose client owns the client certificate. */
const requiresKnownClient: Api = {
  verifier: ({ own, other }) => {
    const clients = { "client-1": { thumbprints: [own.thumbprint] }, "client-2": { thumbprints: [other.thumbprint] } };
    return {
      certificatePolicy: certificateRules({ tenant: { resolve: certificateTenants(clients), claim: "client_id" } }),
    };
  },
};

function tokenFor({ token }: Scene, { thumbprint }: Identity): string {
  return token({ claims: { cnf: { "x5t#S256": thumbprint } } });
}

export const cases: readonly ConformanceCase[] = [
  ...(["ES256", "RS256", "Ed25519"] as const).map((name) =>
    rejects("OFB-01", `a token signed with ${name}`, {
      api: openFinanceBrasil,
      accepted: { token: ({ token, keys }) => token({ key: keys.PS256 }) },
      rejected: { token: ({ token, keys }) => token({ key: keys[name] }) },
      code: "ERR_TOKEN_ALGORITHM",
    }),
  ),
  rejects("OFB-01", "a token after 900 seconds, even before its exp", {
    api: openFinanceBrasil,
    accepted: { token: ({ token, keys }) => token({ key: keys.PS256, claims: { iat: NOW - 899 } }) },
    rejected: { token: ({ token, keys }) => token({ key: keys.PS256, claims: { iat: NOW - 900 } }) },
    code: "ERR_TOKEN_EXPIRED",
  }),
  rejects("CDR-01", "a token that is bound to another certificate than that of the request", {
    accepted: { certificate: "own" },
    rejected: { certificate: "other" },
    code: "ERR_BINDING_MISMATCH",
  }),
  rejects("CDR-01", "a request with a token but without a certificate", {
    accepted: { certificate: "own" },
    rejected: { certificate: "none" },
    code: "ERR_CERTIFICATE_MISSING",
  }),
  conforms(
    "CDR-02",
    "rejects certificates that do not chain to the CA, even if the tokens are bound to them",
    async (stage) => {
      const { own, ca } = stage.scene;
      const otherCa = await createCertificateAuthority();
      const [ofOtherCa, selfSigned, expired] = await Promise.all([
        otherCa.issueClientCertificate(),
        createSelfSignedCertificate(),
        ca.issueClientCertificate({ notAfter: new Date("2020-01-01T00:00:00Z") }),
      ]);
      await onEachServer(stage, requiresVerifiedChain, async (send) => {
        const present = (identity: Identity) => send({ identity, token: tokenFor(stage.scene, identity) });
        expect(await present(own)).toMatchObject({ status: 200 });
        for (const identity of [ofOtherCa, selfSigned, expired]) {
          expectRejected(await present(identity), "ERR_CERTIFICATE_UNTRUSTED");
        }
      });
    },
    requiresVerifiedChain,
  ),
  conforms(
    "CDR-02",
    "rejects a certificate on a resumed TLS session, whose chain was not verified again",
    async ({ scene, servers }) => {
      const { ca, own: identity } = scene;
      const token = tokenFor(scene, identity);
      for (const { url, routeOf } of servers) {
        const send = (options: object) =>
          mtlsRequest(`${url}${routeOf(requiresVerifiedChain).path}`, {
            ca: ca.certificate,
            identity,
            token,
            ...options,
          });
        const first = await send({});
        const resumed = await send({ session: first.tls.session });
        expect([first.status, first.tls.sessionReused, resumed.tls.sessionReused]).toEqual([200, false, true]);
        expectRejected(resumed, "ERR_CERTIFICATE_UNTRUSTED");
      }
    },
    requiresVerifiedChain,
  ),
  conforms(
    "CDR-02",
    "rejects certificates of another CA, and certificates that are not currently valid",
    async (stage) => {
      const { ca } = stage.scene;
      const at = (seconds: number) => new Date((NOW + seconds) * 1000);
      const currentlyValid = { notBefore: at(-60), notAfter: at(60) };
      // The same name as the accepted CA, so that only the signature differs.
      const otherCa = await createCertificateAuthority({ commonName: nameOf(ca.certificate) });
      const [good, ofOtherCa, expired, early] = await Promise.all([
        ca.issueClientCertificate(currentlyValid),
        otherCa.issueClientCertificate(currentlyValid),
        ca.issueClientCertificate({ ...currentlyValid, notAfter: at(-1) }),
        ca.issueClientCertificate({ ...currentlyValid, notBefore: at(1) }),
      ]);
      await onEachServer(stage, requiresIssuer, async (send) => {
        const present = (identity: Identity) => send({ identity, token: tokenFor(stage.scene, identity) });
        expect(await present(good)).toMatchObject({ status: 200 });
        for (const identity of [ofOtherCa, expired, early]) {
          expectRejected(await present(identity), "ERR_CERTIFICATE_UNTRUSTED");
        }
      });
    },
    requiresIssuer,
  ),
  rejects(
    "OBUK-01",
    "a token with the client_id of another client, although it is bound to the certificate of the session",
    {
      api: requiresKnownClient,
      accepted: { token: ({ token }) => token({ claims: { client_id: "client-1" } }) },
      rejected: { token: ({ token }) => token({ claims: { client_id: "client-2" } }) },
      code: "ERR_CERTIFICATE_UNTRUSTED",
    },
  ),
  rejects("OBUK-01", "a token of one client on the session of another client", {
    api: requiresKnownClient,
    accepted: { certificate: "own" },
    rejected: { certificate: "other" },
    code: "ERR_BINDING_MISMATCH",
  }),
];

function nameOf(certificate: string): string {
  return new X509Certificate(certificate).subject.replace(/^CN=/, "");
}
