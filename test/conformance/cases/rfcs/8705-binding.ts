import { certificateThumbprint } from "@certbound/core";
import { createSelfSignedCertificate, type Identity } from "@certbound/testing";
import { createHash, X509Certificate } from "node:crypto";
import { expect } from "vitest";
import * as appendixA from "../../../../packages/core/test/vectors/rfc8705-appendix-a.ts";
import { expectRejected } from "../../responses.ts";
import { outcomeOf, verifierOf, verifyAs } from "../../verification.ts";
import { type Attempt, conforms, type ConformanceCase, rejects } from "../../conformance-case.ts";
import { onEachServer } from "../../on-each-server.ts";

/** Returns an attempt with this `cnf` in the token. */
function confirmedBy(confirmation: (own: Identity) => unknown): Attempt {
  return { token: ({ token, own }) => token({ claims: { cnf: confirmation(own) } }) };
}

const bound = confirmedBy(({ thumbprint }) => ({ "x5t#S256": thumbprint }));

/** Headers in which proxies forward certificates, none of which is configured here. */
const proxyHeaders = ["client-cert", "x-client-cert", "x-ssl-client-cert", "ssl-client-cert", "x-amzn-mtls-clientcert"];

/** Encodings of the correct thumbprint that RFC 8705 section 3.1 excludes. */
const spellings: readonly (readonly [name: string, write: (thumbprint: string) => string])[] = [
  ["with padding", (text) => `${text}=`],
  ["with a trailing space", (text) => `${text} `],
  ["with a leading space", (text) => ` ${text}`],
  ["with a trailing line break", (text) => `${text}\n`],
  ["with a line break inside", (text) => `${text.slice(0, 20)}\r\n${text.slice(20)}`],
  ["in hexadecimal digits", (text) => Buffer.from(text, "base64url").toString("hex")],
];

export const cases: readonly ConformanceCase[] = [
  rejects("8705-01", "a token without cnf", {
    accepted: bound,
    rejected: { token: ({ token }) => token({ claims: { cnf: undefined } }) },
    code: "ERR_BINDING_REQUIRED",
  }),
  rejects("8705-01", "an unbound token with a claim that it need not be bound", {
    accepted: {
      token: ({ token }) =>
        token({ claims: { token_type: "Bearer", tls_client_certificate_bound_access_tokens: false } }),
    },
    rejected: {
      token: ({ token }) =>
        token({ claims: { token_type: "Bearer", tls_client_certificate_bound_access_tokens: false, cnf: undefined } }),
    },
    code: "ERR_BINDING_REQUIRED",
  }),
  rejects("8705-02", "a certificate in the header of the token", {
    accepted: withCertificateChain(),
    rejected: { ...withCertificateChain(), certificate: "none" },
    code: "ERR_CERTIFICATE_MISSING",
  }),
  ...proxyHeaders.map((header) =>
    rejects("8705-02", `a certificate in the header ${header} on a connection with another certificate`, {
      accepted: forwardedIn(header),
      rejected: { ...forwardedIn(header), certificate: "other" },
      code: "ERR_BINDING_MISMATCH",
    }),
  ),
  rejects(["8705-04", "8705-03"], "a token that is bound to another certificate", {
    rejected: { certificate: "other" },
    code: "ERR_BINDING_MISMATCH",
  }),
  rejects(["8705-05", "M-03"], "a bound token without a certificate", {
    rejected: { certificate: "none" },
    code: "ERR_CERTIFICATE_MISSING",
  }),
  rejects("8705-05", "a bound token without a certificate where tokens may be unbound", {
    api: { requirements: { validateCertificateBinding: "when-bound" } },
    rejected: { certificate: "none" },
    code: "ERR_CERTIFICATE_MISSING",
  }),
  ...spellings.map(([name, write]) =>
    rejects("8705-06", `the correct thumbprint ${name}`, {
      accepted: bound,
      rejected: confirmedBy(({ thumbprint }) => ({ "x5t#S256": write(thumbprint) })),
      code: "ERR_BINDING_MALFORMED",
    }),
  ),
  conforms("8705-06", "rejects a thumbprint in the standard alphabet of base64", async ({ scene }) => {
    const verifier = verifierOf({ jwks: scene.jwks });
    const thumbprint = Buffer.alloc(32, 0xfb).toString("base64url");
    const verify = (text: string) =>
      verifyAs({ thumbprint }, verifier, scene.token({ claims: { cnf: { "x5t#S256": text } } }));
    expect(await verify(thumbprint)).toBe("accepted");
    const standard = thumbprint.replaceAll("-", "+").replaceAll("_", "/");
    expect(standard).not.toBe(thumbprint);
    expect(await verify(standard)).toBe("ERR_BINDING_MALFORMED");
  }),
  conforms("8705-06", "compares the SHA-256 of the DER, not of the PEM text", async (stage) => {
    const { own, token } = stage.scene;
    const sha256 = (data: string | Uint8Array) => createHash("sha256").update(data).digest("base64url");
    const boundTo = (thumbprint: string) => token({ claims: { cnf: { "x5t#S256": thumbprint } } });
    await onEachServer(stage, undefined, async (send) => {
      expect(await send({ identity: own, token: boundTo(sha256(own.der)) })).toMatchObject({ status: 200 });
      const response = await send({ identity: own, token: boundTo(sha256(own.certificate)) });
      expectRejected(response, "ERR_BINDING_MISMATCH");
    });
  }),
  rejects("8705-07", "a thumbprint next to cnf instead of inside it", {
    accepted: {
      token: ({ token, own }) => token({ claims: { "x5t#S256": own.thumbprint } }),
    },
    rejected: {
      token: ({ token, own }) => token({ claims: { "x5t#S256": own.thumbprint, cnf: undefined } }),
    },
    code: "ERR_BINDING_REQUIRED",
  }),
  rejects("8705-07", "a thumbprint in the header of the token", {
    accepted: { token: ({ token, own }) => token({ header: { "x5t#S256": own.thumbprint } }) },
    rejected: {
      token: ({ token, own }) => token({ header: { "x5t#S256": own.thumbprint }, claims: { cnf: undefined } }),
    },
    code: "ERR_BINDING_REQUIRED",
  }),
  rejects("8705-07", "a thumbprint under a name with another letter case", {
    accepted: bound,
    rejected: confirmedBy(({ thumbprint }) => ({ "x5t#s256": thumbprint })),
    code: "ERR_BINDING_UNSUPPORTED",
  }),
  conforms("8705-11", "compares certificates that no CA issued", async (stage) => {
    const [own, other] = await Promise.all([createSelfSignedCertificate(), createSelfSignedCertificate()]);
    await onEachServer(stage, undefined, async (send) => {
      const token = stage.scene.token({ claims: { cnf: { "x5t#S256": own.thumbprint } } });
      expect(await send({ identity: own, token })).toMatchObject({ status: 200 });
      expectRejected(await send({ identity: other, token }), "ERR_BINDING_MISMATCH");
    });
  }),
  conforms("8705-11", "compares expired certificates", async (stage) => {
    const { ca, token } = stage.scene;
    const notAfter = new Date("2020-01-01T00:00:00Z");
    const [own, other] = await Promise.all([
      ca.issueClientCertificate({ notAfter }),
      ca.issueClientCertificate({ notAfter }),
    ]);
    await onEachServer(stage, undefined, async (send) => {
      const ownToken = token({ claims: { cnf: { "x5t#S256": own.thumbprint } } });
      expect(await send({ identity: own, token: ownToken })).toMatchObject({ status: 200 });
      expectRejected(await send({ identity: other, token: ownToken }), "ERR_BINDING_MISMATCH");
    });
  }),
  conforms("8705-12", "rejects a token after its certificate was renewed with the same key", async (stage) => {
    const first = await createSelfSignedCertificate({ keyType: "ed25519" });
    const renewed = await createSelfSignedCertificate({ renews: first });
    const publicKey = ({ certificate }: Identity) =>
      new X509Certificate(certificate).publicKey.export({ format: "jwk" });
    expect(publicKey(renewed)).toEqual(publicKey(first));
    const tokenFor = ({ thumbprint }: Identity) => stage.scene.token({ claims: { cnf: { "x5t#S256": thumbprint } } });
    await onEachServer(stage, undefined, async (send) => {
      expect(await send({ identity: first, token: tokenFor(first) })).toMatchObject({ status: 200 });
      expectRejected(await send({ identity: renewed, token: tokenFor(first) }), "ERR_BINDING_MISMATCH");
      expect(await send({ identity: renewed, token: tokenFor(renewed) })).toMatchObject({ status: 200 });
    });
  }),
  ...["x5t", "x5t#S512"].map((member) =>
    rejects("8705-14", `a thumbprint under the name ${member}`, {
      accepted: confirmedBy(({ thumbprint }) => ({ [member]: thumbprint, "x5t#S256": thumbprint })),
      rejected: confirmedBy(({ thumbprint }) => ({ [member]: thumbprint })),
      code: "ERR_BINDING_UNSUPPORTED",
    }),
  ),
  ...["sha1", "sha384", "sha512"].map((hash) =>
    rejects("8705-14", `the ${hash} of the certificate as x5t#S256`, {
      accepted: bound,
      rejected: confirmedBy(({ der }) => ({ "x5t#S256": createHash(hash).update(der).digest("base64url") })),
      code: "ERR_BINDING_MALFORMED",
    }),
  ),
  conforms("8705-16", "computes the thumbprint of the example certificate in the appendix", async ({ scene }) => {
    const { certificate, thumbprint } = appendixA;
    expect(certificateThumbprint(certificate)).toBe(thumbprint);
    const verifier = verifierOf({ jwks: scene.jwks });
    const token = scene.token({ claims: { cnf: { "x5t#S256": thumbprint } } });
    const verify = (clientCertificate: string) => outcomeOf(verifier.verify(token, { clientCertificate }));
    expect(await verify(certificate)).toBe("accepted");
    expect(await verify(scene.own.certificate)).toBe("ERR_BINDING_MISMATCH");
  }),
];

/** Returns a token with the bound certificate in x5c, where a client could put any certificate. */
function withCertificateChain(): Attempt {
  return { token: ({ token, own }) => token({ header: { x5c: [Buffer.from(own.der).toString("base64")] } }) };
}

/** Returns a request with the bound certificate in a header. */
function forwardedIn(header: string): Attempt {
  return {
    request: {
      lines: (token, { own }) => [
        ["authorization", `Bearer ${token}`],
        [header, `:${Buffer.from(own.der).toString("base64")}:`],
      ],
    },
  };
}
