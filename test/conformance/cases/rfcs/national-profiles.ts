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

/** Certificates count when the handshake has verified them up to the authority that the servers trust. */
const ofVerifiedChains: Api = { verifier: () => ({ certificatePolicy: certificateRules({ chainVerified: true }) }) };

/** Certificates count when this authority has signed them, and the verifier's clock says that they are in date. */
const ofOneAuthority: Api = {
  verifier: ({ ca }) => ({
    certificatePolicy: certificateRules({ issuers: [ca.certificate], currentlyValid: true }),
  }),
};

/** Tokens count when their client is the one whose certificate came with them. */
const ofKnownClients: Api = {
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
    rejects("OFB-01", `a token signed for ${name}`, {
      api: openFinanceBrasil,
      accepted: { token: ({ token, keys }) => token({ key: keys.PS256 }) },
      rejected: { token: ({ token, keys }) => token({ key: keys[name] }) },
      code: "ERR_TOKEN_ALGORITHM",
    }),
  ),
  rejects("OFB-01", "a token after 900 seconds, whatever its exp is", {
    api: openFinanceBrasil,
    accepted: { token: ({ token, keys }) => token({ key: keys.PS256, claims: { iat: NOW - 899 } }) },
    rejected: { token: ({ token, keys }) => token({ key: keys.PS256, claims: { iat: NOW - 900 } }) },
    code: "ERR_TOKEN_EXPIRED",
  }),
  rejects("CDR-01", "a token whose certificate is not the one of the request", {
    accepted: { certificate: "own" },
    rejected: { certificate: "other" },
    code: "ERR_BINDING_MISMATCH",
  }),
  rejects("CDR-01", "a request with a token and without a certificate", {
    accepted: { certificate: "own" },
    rejected: { certificate: "none" },
    code: "ERR_CERTIFICATE_MISSING",
  }),
  conforms(
    "CDR-02",
    "rejects certificates that do not chain to the authority, with tokens that are bound to them",
    async (stage) => {
      const { own, ca } = stage.scene;
      const strangers = await createCertificateAuthority();
      const [ofStrangers, selfSigned, expired] = await Promise.all([
        strangers.issueClientCertificate(),
        createSelfSignedCertificate(),
        ca.issueClientCertificate({ notAfter: new Date("2020-01-01T00:00:00Z") }),
      ]);
      await onEachServer(stage, ofVerifiedChains, async (send) => {
        const present = (identity: Identity) => send({ identity, token: tokenFor(stage.scene, identity) });
        expect(await present(own)).toMatchObject({ status: 200 });
        for (const identity of [ofStrangers, selfSigned, expired]) {
          expectRejected(await present(identity), "ERR_CERTIFICATE_UNTRUSTED");
        }
      });
    },
    ofVerifiedChains,
  ),
  conforms(
    "CDR-02",
    "rejects a certificate whose chain was verified before the TLS session was resumed",
    async ({ scene, servers }) => {
      const { ca, own: identity } = scene;
      const token = tokenFor(scene, identity);
      for (const { url, routeOf } of servers) {
        const send = (options: object) =>
          mtlsRequest(`${url}${routeOf(ofVerifiedChains).path}`, { ca: ca.certificate, identity, token, ...options });
        const first = await send({});
        const resumed = await send({ session: first.tls.session });
        expect([first.status, first.tls.sessionReused, resumed.tls.sessionReused]).toEqual([200, false, true]);
        expectRejected(resumed, "ERR_CERTIFICATE_UNTRUSTED");
      }
    },
    ofVerifiedChains,
  ),
  conforms(
    "CDR-02",
    "rejects certificates of other authorities, and those that are not in date",
    async (stage) => {
      const { ca } = stage.scene;
      const at = (seconds: number) => new Date((NOW + seconds) * 1000);
      const inDate = { notBefore: at(-60), notAfter: at(60) };
      // Of the same name as the right authority, so that its signature alone tells them apart.
      const strangers = await createCertificateAuthority({ commonName: nameOf(ca.certificate) });
      const [good, ofStrangers, expired, early] = await Promise.all([
        ca.issueClientCertificate(inDate),
        strangers.issueClientCertificate(inDate),
        ca.issueClientCertificate({ ...inDate, notAfter: at(-1) }),
        ca.issueClientCertificate({ ...inDate, notBefore: at(1) }),
      ]);
      await onEachServer(stage, ofOneAuthority, async (send) => {
        const present = (identity: Identity) => send({ identity, token: tokenFor(stage.scene, identity) });
        expect(await present(good)).toMatchObject({ status: 200 });
        for (const identity of [ofStrangers, expired, early]) {
          expectRejected(await present(identity), "ERR_CERTIFICATE_UNTRUSTED");
        }
      });
    },
    ofOneAuthority,
  ),
  rejects("OBUK-01", "a token of another client than the one of the session, though it is bound to its certificate", {
    api: ofKnownClients,
    accepted: { token: ({ token }) => token({ claims: { client_id: "client-1" } }) },
    rejected: { token: ({ token }) => token({ claims: { client_id: "client-2" } }) },
    code: "ERR_CERTIFICATE_UNTRUSTED",
  }),
  rejects("OBUK-01", "a token of the right client over the session of another one", {
    api: ofKnownClients,
    accepted: { certificate: "own" },
    rejected: { certificate: "other" },
    code: "ERR_BINDING_MISMATCH",
  }),
];

function nameOf(certificate: string): string {
  return new X509Certificate(certificate).subject.replace(/^CN=/, "");
}
