import { type ClientCertificateInput, fromProxy, rfc9440 } from "@certbound/core";
import { type Identity, mtlsRequest } from "@certbound/testing";
import { createHash, X509Certificate } from "node:crypto";
import { expect } from "vitest";
import { expectRefused } from "../../answers.ts";
import { type Api, type Attempt, conforms, type ConformanceCase, refuses } from "../../conformance-case.ts";
import { outcomeOf, verifierOf } from "../../verifying.ts";

/** SHA-256 of no bytes, as FIPS 180-4 has it, in base64url. */
const HASH_OF_NOTHING = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";

const SECRET = "another-secret-of-the-proxy-and-the-api";

const whenBound: Api = { requirements: { validateCertificateBinding: "when-bound" } };

const behindProxy: Api = {
  certificateResolver: fromProxy(rfc9440(), { trust: { secret: { header: "x-proxy-secret", value: SECRET } } }),
};

/** A token with this confirmation, made for the client. */
function confirming(cnf: (own: Identity) => unknown): Attempt {
  return { token: ({ token, own }) => token({ claims: { cnf: cnf(own) } }) };
}

const bound = confirming(({ thumbprint }) => ({ "x5t#S256": thumbprint }));

/** A certificate in Client-Cert, by the proxy; the connection has none. */
function forwarding(der: (own: Identity) => Uint8Array, cnf?: Attempt): Attempt {
  return {
    ...cnf,
    certificate: "none",
    request: {
      lines: (token, { own }) => [
        ["authorization", `Bearer ${token}`],
        ["client-cert", `:${Buffer.from(der(own)).toString("base64")}:`],
        ["x-proxy-secret", SECRET],
      ],
    },
  };
}

/** Texts that stand for the client's certificate, and are not its SHA-256 in base64url. */
const otherThumbprints: readonly (readonly [
  name: string,
  thumbprint: (own: Identity) => string,
  code: "ERR_BINDING_MALFORMED" | "ERR_BINDING_MISMATCH",
])[] = [
  ["in hexadecimal digits", ({ der }) => hash(der).toString("hex"), "ERR_BINDING_MALFORMED"],
  ["in capital hexadecimal digits", ({ der }) => hash(der).toString("hex").toUpperCase(), "ERR_BINDING_MALFORMED"],
  [
    "in hexadecimal digits with colons",
    ({ der }) => new X509Certificate(Buffer.from(der)).fingerprint256,
    "ERR_BINDING_MALFORMED",
  ],
  ["as base64url of hexadecimal digits", ({ der }) => base64url(hash(der).toString("hex")), "ERR_BINDING_MALFORMED"],
  ["in base64 with padding", ({ der }) => hash(der).toString("base64"), "ERR_BINDING_MALFORMED"],
  ["with padding", ({ thumbprint }) => `${thumbprint}=`, "ERR_BINDING_MALFORMED"],
  ["without its last character", ({ thumbprint }) => thumbprint.slice(0, -1), "ERR_BINDING_MALFORMED"],
  ["of one character", ({ thumbprint }) => thumbprint.slice(0, 1), "ERR_BINDING_MALFORMED"],
  ["that is empty", () => "", "ERR_BINDING_MALFORMED"],
  ["with a character more", ({ thumbprint }) => `${thumbprint}A`, "ERR_BINDING_MALFORMED"],
  ["twice", ({ thumbprint }) => thumbprint + thumbprint, "ERR_BINDING_MALFORMED"],
  ["behind a space", ({ thumbprint }) => ` ${thumbprint}`, "ERR_BINDING_MALFORMED"],
  ["before a line break", ({ thumbprint }) => `${thumbprint}\n`, "ERR_BINDING_MALFORMED"],
  ["with loose bits", withLooseBits, "ERR_BINDING_MALFORMED"],
  ["of the other letter case", ({ thumbprint }) => swappedCase(thumbprint), "ERR_BINDING_MISMATCH"],
  ["by SHA-1", ({ der }) => hash(der, "sha1").toString("base64url"), "ERR_BINDING_MALFORMED"],
  ["by SHA-512", ({ der }) => hash(der, "sha512").toString("base64url"), "ERR_BINDING_MALFORMED"],
  ["by SHA3-256", ({ der }) => hash(der, "sha3-256").toString("base64url"), "ERR_BINDING_MISMATCH"],
  ["by SHA-256 twice", ({ der }) => hash(hash(der)).toString("base64url"), "ERR_BINDING_MISMATCH"],
  ["of its PEM", ({ certificate }) => hash(certificate).toString("base64url"), "ERR_BINDING_MISMATCH"],
  ["of its base64", ({ der }) => hash(base64(der)).toString("base64url"), "ERR_BINDING_MISMATCH"],
  [
    "of its public key",
    (own) => hash(publicKey(own).export({ type: "spki", format: "der" })).toString("base64url"),
    "ERR_BINDING_MISMATCH",
  ],
  ["of its public key as a JWK", jwkThumbprint, "ERR_BINDING_MISMATCH"],
];

/** Confirmations that look like one of the certificate where they are not read strictly. */
const otherShapes: readonly (readonly [
  name: string,
  cnf: (thumbprint: string) => unknown,
  code: "ERR_BINDING_REQUIRED" | "ERR_BINDING_MALFORMED" | "ERR_BINDING_UNSUPPORTED",
])[] = [
  ["null", () => null, "ERR_BINDING_MALFORMED"],
  ["false", () => false, "ERR_BINDING_MALFORMED"],
  ["empty text", () => "", "ERR_BINDING_MALFORMED"],
  ["the thumbprint", (thumbprint) => thumbprint, "ERR_BINDING_MALFORMED"],
  ["JSON within JSON", (thumbprint) => JSON.stringify({ "x5t#S256": thumbprint }), "ERR_BINDING_MALFORMED"],
  ["a list of one", (thumbprint) => [{ "x5t#S256": thumbprint }], "ERR_BINDING_MALFORMED"],
  ["a list of nothing", () => [], "ERR_BINDING_MALFORMED"],
  ["empty", () => ({}), "ERR_BINDING_MALFORMED"],
  ["of a list of thumbprints", (thumbprint) => ({ "x5t#S256": [thumbprint] }), "ERR_BINDING_MALFORMED"],
  ["of an object", (thumbprint) => ({ "x5t#S256": { value: thumbprint } }), "ERR_BINDING_MALFORMED"],
  ["of null", () => ({ "x5t#S256": null }), "ERR_BINDING_MALFORMED"],
  ["of true", () => ({ "x5t#S256": true }), "ERR_BINDING_MALFORMED"],
  ["within another", (thumbprint) => ({ cnf: { "x5t#S256": thumbprint } }), "ERR_BINDING_UNSUPPORTED"],
  ...["x5t#s256", "X5T#S256", "x5t", "x5tS256", "x5t_S256", "x5t%23S256", "x5t#S256 ", "x5t#S384"].map(
    (member) =>
      [
        `by the name ${JSON.stringify(member)}`,
        (text: string) => ({ [member]: text }),
        "ERR_BINDING_UNSUPPORTED",
      ] as const,
  ),
];

/** What else a token can be bound by (RFC 7800 section 3, RFC 9449 section 6.1). */
const otherMethods: readonly (readonly [name: string, cnf: object])[] = [
  ["jkt", { jkt: "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" }],
  ["jwk", { jwk: { kty: "EC", crv: "P-256", x: "AA", y: "AA" } }],
  ["jwe", { jwe: "e30...." }],
  ["kid", { kid: "key-1" }],
  ["jku", { jku: "https://client.example/keys", kid: "key-1" }],
  ["x5u", { x5u: "https://client.example/certificate" }],
  ["a method of the future", { "x5t#S512": "AA" }],
];

/** Bytes that no certificate starts or ends with. */
const unreadable: readonly (readonly [name: string, der: (own: Identity) => Uint8Array])[] = [
  ["a single byte", () => Buffer.of(0x30)],
  ["two bytes", () => Buffer.of(0x30, 0x82)],
  ["text", () => Buffer.from("certificate")],
  ["PEM", ({ certificate }) => Buffer.from(certificate)],
  ["a certificate that is cut off", ({ der }) => der.subarray(0, -1)],
  ["a certificate without its first byte", ({ der }) => der.subarray(1)],
];

/** Other bytes that some parsers read as the very same certificate. */
const otherEncodings: readonly (readonly [name: string, der: (own: Identity) => Uint8Array])[] = [
  ["a byte behind it", ({ der }) => Buffer.concat([der, Buffer.alloc(1)])],
  ["another certificate behind it", ({ der }) => Buffer.concat([der, der])],
  // 0x30 0x82 and two bytes of length become 0x30 0x83 and three, the first of which is zero.
  ["a length that is not minimal", ({ der }) => Buffer.concat([Buffer.of(0x30, 0x83, 0), der.subarray(2)])],
  ["an indefinite length", ({ der }) => Buffer.concat([Buffer.of(0x30, 0x80), der.subarray(4), Buffer.alloc(2)])],
];

export const cases: readonly ConformanceCase[] = [
  conforms(
    "M-04",
    "refuses a token that is bound to a certificate further up in the chain of the client",
    async (stage) => {
      const { scene, servers } = stage;
      const { own, other } = scene;
      for (const { url, routeOf } of servers) {
        const { path } = routeOf();
        const send = (certificate: string, key: string) => {
          const identity = { ...own, certificate, key };
          return mtlsRequest(`${url}${path}`, { ca: scene.ca.certificate, identity, token: scene.token() });
        };
        const inOrder = await send(own.certificate + other.certificate, own.key);
        expect(inOrder.status).toBe(200);
        const stolen = await send(other.certificate + own.certificate, other.key);
        expectRefused(stolen, "ERR_BINDING_MISMATCH");
      }
    },
  ),
  conforms("M-04", "refuses a token that is bound to a certificate further down in a PEM bundle", async ({ scene }) => {
    const { own, other } = scene;
    const verifier = verifierOf(scene);
    const verify = (clientCertificate: string) => verifier.verify(scene.token(), { clientCertificate });
    expect(await verify(own.certificate + other.certificate)).toMatchObject({ binding: "verified" });
    await expect(verify(other.certificate + own.certificate)).rejects.toMatchObject({ code: "ERR_BINDING_MISMATCH" });
  }),
  refuses("M-01", "a stolen token with the thief's certificate of the same name and authority", {
    accepted: { certificate: "own" },
    refused: { certificate: "other" },
    code: "ERR_BINDING_MISMATCH",
  }),
  conforms("M-01", "tells apart certificates of one subject and one authority", async ({ scene }) => {
    const { own, other } = scene;
    const [first, second] = [own, other].map(({ der }) => new X509Certificate(Buffer.from(der)));
    expect([second?.subject, second?.issuer]).toEqual([first?.subject, first?.issuer]);
    const verify = ({ der }: Identity) =>
      outcomeOf(verifierOf(scene).verify(scene.token(), { clientCertificate: der }));
    expect(await verify(own)).toBe("accepted");
    expect(await verify(other)).toBe("ERR_BINDING_MISMATCH");
  }),
  refuses("M-02", "a token from which the binding was left out", {
    accepted: bound,
    refused: { token: ({ token }) => token({ claims: { cnf: undefined } }) },
    code: "ERR_BINDING_REQUIRED",
  }),
  refuses("M-02", "a token that is bound elsewhere than in cnf", {
    accepted: { token: ({ token, own }) => token({ claims: { "x5t#S256": own.thumbprint } }) },
    refused: { token: ({ token, own }) => token({ claims: { cnf: undefined, "x5t#S256": own.thumbprint } }) },
    code: "ERR_BINDING_REQUIRED",
  }),
  ...(["none", "own"] as const).flatMap((certificate) =>
    [undefined, whenBound].map((api) =>
      refuses(
        "M-05",
        `a token bound to the hash of nothing, from a client with ${certificate === "own" ? "a" : "no"} certificate${api ? ", where a token need not be bound" : ""}`,
        {
          ...(api && { api }),
          accepted: bound,
          refused: { ...confirming(() => ({ "x5t#S256": HASH_OF_NOTHING })), certificate },
          code: certificate === "none" ? "ERR_CERTIFICATE_MISSING" : "ERR_BINDING_MALFORMED",
        },
      ),
    ),
  ),
  ...["", "undefined", "null", "{}", "[object Object]", "false"].map((text) =>
    refuses("M-05", `a token bound to the hash of ${JSON.stringify(text)}, from a client without a certificate`, {
      accepted: bound,
      refused: { ...confirming(() => ({ "x5t#S256": hash(text).toString("base64url") })), certificate: "none" },
      code: "ERR_CERTIFICATE_MISSING",
    }),
  ),
  conforms("M-05", "takes no certificate in any form for none, whatever the token is bound to", async ({ scene }) => {
    const { own, token } = scene;
    const verify = (cnf: unknown, clientCertificate: ClientCertificateInput | null) =>
      outcomeOf(verifierOf(scene).verify(token({ claims: { cnf } }), { clientCertificate }));
    expect(await verify({ "x5t#S256": own.thumbprint }, { thumbprint: own.thumbprint })).toBe("accepted");
    for (const none of [null, "", new Uint8Array(), { thumbprint: HASH_OF_NOTHING }]) {
      expect(await verify({ "x5t#S256": HASH_OF_NOTHING }, none)).toBe("ERR_CERTIFICATE_MISSING");
      expect(await verify({ "x5t#S256": "" }, none)).toBe("ERR_CERTIFICATE_MISSING");
    }
    expect(await verify({ "x5t#S256": "" }, { thumbprint: "" })).toBe("ERR_CERTIFICATE_MALFORMED");
  }),
  ...otherThumbprints.map(([name, thumbprint, code]) =>
    refuses("M-06", `a thumbprint ${name}`, {
      accepted: bound,
      refused: confirming((own) => ({ "x5t#S256": thumbprint(own) })),
      code,
    }),
  ),
  ...otherShapes.map(([name, cnf, code]) =>
    refuses("M-07", `a confirmation that is ${name}`, {
      api: whenBound,
      accepted: bound,
      refused: confirming(({ thumbprint }) => cnf(thumbprint)),
      code,
    }),
  ),
  ...["Cnf", "CNF", "cnf ", "confirmation"].map((name) =>
    refuses("M-07", `a confirmation in the claim ${JSON.stringify(name)}`, {
      accepted: bound,
      refused: {
        token: ({ token, own }) => token({ claims: { cnf: undefined, [name]: { "x5t#S256": own.thumbprint } } }),
      },
      code: "ERR_BINDING_REQUIRED",
    }),
  ),
  refuses("M-07", "a confirmation in the header", {
    accepted: { token: ({ token, own }) => token({ header: { cnf: { "x5t#S256": own.thumbprint } } }) },
    refused: {
      token: ({ token, own }) => token({ header: { cnf: { "x5t#S256": own.thumbprint } }, claims: { cnf: undefined } }),
    },
    code: "ERR_BINDING_REQUIRED",
  }),
  ...otherMethods.map(([name, cnf]) =>
    refuses("M-08", `a token that is bound by ${name}, where a token need not be bound`, {
      api: whenBound,
      accepted: { token: ({ token }) => token({ claims: { cnf: undefined } }) },
      refused: confirming(() => cnf),
      code: "ERR_BINDING_UNSUPPORTED",
    }),
  ),
  refuses("M-08", "a token that is bound by jkt as well", {
    accepted: bound,
    refused: confirming(({ thumbprint }) => ({
      "x5t#S256": thumbprint,
      jkt: "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I",
    })),
    code: "ERR_BINDING_UNSUPPORTED",
  }),
  ...unreadable.map(([name, der]) =>
    refuses("M-09", `a certificate that is ${name}, and that the token is bound to`, {
      api: behindProxy,
      accepted: forwarding((own) => own.der, bound),
      refused: forwarding(
        der,
        confirming((own) => ({ "x5t#S256": hash(der(own)).toString("base64url") })),
      ),
      code: "ERR_CERTIFICATE_MALFORMED",
    }),
  ),
  ...otherEncodings.flatMap(([name, der]) => [
    refuses("M-10", `the certificate with ${name}, of a token that is bound to the certificate`, {
      api: behindProxy,
      accepted: forwarding((own) => own.der, bound),
      refused: forwarding(der, bound),
      code: "ERR_CERTIFICATE_MALFORMED",
    }),
    refuses("M-10", `the certificate with ${name}, of a token that is bound to all of these bytes`, {
      api: behindProxy,
      accepted: forwarding((own) => own.der, bound),
      refused: forwarding(
        der,
        confirming((own) => ({ "x5t#S256": hash(der(own)).toString("base64url") })),
      ),
      code: "ERR_CERTIFICATE_MALFORMED",
    }),
  ]),
  conforms(["M-09", "M-10"], "refuses such certificates from an application that passes them on", async ({ scene }) => {
    const verify = (clientCertificate: Uint8Array) =>
      outcomeOf(verifierOf(scene).verify(scene.token(), { clientCertificate }));
    expect(await verify(scene.own.der)).toBe("accepted");
    for (const [, der] of [...unreadable, ...otherEncodings]) {
      expect(await verify(der(scene.own))).toBe("ERR_CERTIFICATE_MALFORMED");
    }
  }),
];

function hash(content: Uint8Array | string, algorithm = "sha256"): Buffer {
  return createHash(algorithm).update(content).digest();
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

function base64url(text: string): string {
  return Buffer.from(text).toString("base64url");
}

function publicKey({ der }: Identity): X509Certificate["publicKey"] {
  return new X509Certificate(Buffer.from(der)).publicKey;
}

/** RFC 7638 section 3, as a jkt has it. */
function jwkThumbprint(own: Identity): string {
  const { crv, kty, x, y } = publicKey(own).export({ format: "jwk" });
  return hash(JSON.stringify({ crv, kty, x, y })).toString("base64url");
}

/** The last of 43 characters holds two bits that belong to no byte. */
function withLooseBits({ thumbprint }: Identity): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return thumbprint.slice(0, -1) + alphabet.charAt(alphabet.indexOf(thumbprint.slice(-1)) + 1);
}

/** Keeps the last character, which could not be one of a thumbprint otherwise. */
function swappedCase(thumbprint: string): string {
  const swapped = thumbprint.replaceAll(/[A-Za-z]/g, (letter) =>
    letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase(),
  );
  return swapped.slice(0, -1) + thumbprint.slice(-1);
}
