import { X509Certificate } from "node:crypto";
import { forgeToken } from "@certbound/testing";
import { fc, test as fuzz } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { createAuthenticator } from "../../src/authenticator.ts";
import { verifyCertificateBinding } from "../../src/binding.ts";
import { certificateThumbprint } from "../../src/certificate/client-certificate.ts";
import { AccessTokenError } from "../../src/errors.ts";
import { httpRejection } from "../../src/http/rejection.ts";
import type { CertificateEncoding } from "../../src/proxy/encodings.ts";
import { fromProxy } from "../../src/proxy/from-proxy.ts";
import type { ForwardedCertificateFormat } from "../../src/proxy/forwarded-format.ts";
import { everythingOf } from "../support/everything-of.ts";
import { formats } from "../support/formats.ts";
import { encoders, requestWith as requestOfProxy, trust } from "../support/forwarding.ts";
import { client, startIssuer, thief, verifierOf } from "../support/verification.ts";

/** Part of every input, as text or in base64; no rejection may contain it, in any letter case. */
const marker = "Zq7markerZq7";
const encodedMarkers = [0, 1, 2].map((at) =>
  Buffer.from(`${" ".repeat(at)}${marker}`)
    .toString("base64")
    .slice(at === 0 ? 0 : 4, 14),
);

const issuer = await startIssuer();
const verifier = verifierOf(issuer);
const token = await issuer.accessToken({ boundTo: client, claims: { note: marker } });

const rejectionOptions = { realm: "api", schemes: ["Bearer", "MTLS"], resource: "https://api.example/v1" };
const challenge =
  /^(?:Bearer|MTLS) (?:[a-z_]+="[\x20\x21\x23-\x5b\x5d-\x7e]*"(?:, |$))+(?:MTLS (?:[a-z_]+="[\x20\x21\x23-\x5b\x5d-\x7e]*"(?:, |$))+)?$/;

/** Expects a valid HTTP response for a rejection, and no input in the response or the error. */
function expectSecretsAbsent(error: AccessTokenError): void {
  const { status, headers, body } = httpRejection(error, rejectionOptions);
  expect([400, 401, 403]).toContain(status);
  expect(Object.keys(headers)).toEqual(["WWW-Authenticate"]);
  expect(headers["WWW-Authenticate"]).toMatch(challenge);
  const shown = `${everythingOf(error)}\n${JSON.stringify({ headers, body })}`;
  for (const secret of [marker, ...encodedMarkers]) expect(shown.toLowerCase()).not.toContain(secret.toLowerCase());
}

/** Runs a check, and expects it to accept or to reject with an AccessTokenError. */
async function expectDecision(check: () => unknown): Promise<void> {
  try {
    const result = await check();
    if (result instanceof AccessTokenError) expectSecretsAbsent(result);
  } catch (error) {
    if (!(error instanceof AccessTokenError)) throw error;
    expectSecretsAbsent(error);
  }
}

/** Inserts the marker into a text. */
const marked = (text: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.tuple(text, text).map(([before, after]) => before + marker + after);
const anyText = fc.oneof(fc.string({ unit: "binary", maxLength: 60 }), fc.string({ maxLength: 60 }));
const markedText = marked(anyText);

const value: fc.Arbitrary<unknown> = fc.oneof(
  markedText,
  fc.jsonValue({ maxDepth: 2 }),
  fc.array(markedText, { maxLength: 2 }),
  fc.tuple(markedText, fc.jsonValue({ maxDepth: 2 })).map(([name, inner]) => Object.fromEntries([[name, inner]])),
  fc.constantFrom<unknown>(1e308, -0, 253_402_300_800, true, { "x5t#S256": marker }, { jkt: marker }),
);
const object = (...names: readonly string[]): fc.Arbitrary<object> =>
  fc
    .array(fc.tuple(fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...names) }, markedText), value), { maxLength: 4 })
    .map((members) => Object.fromEntries(members) as object);
const header = object("alg", "typ", "kid", "crit", "b64", "jwk", "jku", "x5c", "zip", "__proto__");
const claims = object("iss", "aud", "exp", "nbf", "iat", "sub", "client_id", "jti", "scope", "cnf", "acr", "__proto__");

const forged = fc
  .tuple(fc.oneof(header, markedText), fc.oneof(claims, markedText), fc.uint8Array({ maxLength: 70 }))
  .map(([head, payload, signature]) => forgeToken({ header: head, payload, signature }));
const edited = fc
  .tuple(fc.nat(token.length), fc.nat(3), markedText)
  .map(([at, removed, text]) => token.slice(0, at) + text + token.slice(at + removed));
const issued = fc.tuple(header, claims);

const pem = client.certificate;
const encodings = Object.keys(encoders) as CertificateEncoding[];
const certificateText = fc.oneof(
  markedText,
  fc.tuple(fc.nat(pem.length), fc.nat(3), markedText).map(([at, removed, text]) => {
    return pem.slice(0, at) + text + pem.slice(at + removed);
  }),
  fc.tuple(fc.constantFrom(...encodings), markedText).map(([encoding, text]) => encoders[encoding](Buffer.from(text))),
  fc.constantFrom(pem, `${pem}${marker}`, encoders["der-base64"](Buffer.from(client.der)), thief.certificate, ""),
);
const certificateBytes = fc.oneof(
  fc.uint8Array({ maxLength: 80 }),
  markedText.map((text) => Buffer.from(text)),
  fc.tuple(fc.nat(client.der.length), markedText).map(([at, text]) => {
    return Buffer.concat([client.der.subarray(0, at), Buffer.from(text)]);
  }),
);
const certificate = fc.oneof(
  certificateText,
  certificateBytes,
  fc.constant(new X509Certificate(pem)),
  fc.constant(null),
);

const use = fc.record(
  {
    clientCertificate: certificate,
    validateCertificateBinding: fc.constantFrom(true as const, "when-bound" as const, "report-only" as const),
    scopes: fc.constantFrom(["admin"], ["read", "write"]),
    groups: fc.constant(["staff"]),
    acrValues: fc.constant(["silver"]),
    maxAge: fc.nat(),
  },
  { requiredKeys: ["clientCertificate"] },
);

const runs = { seed: 6750, numRuns: 150 };

describe("a check accepts, or rejects without quoting the input:", () => {
  fuzz.prop([fc.oneof(forged, edited, markedText), use], runs)("any token", async (text, options) => {
    await expectDecision(() => verifier.verify(text, options));
  });

  fuzz.prop([issued, use], runs)("any signed header and claims", async ([head, payload], options) => {
    const text = await issuer.accessToken({ boundTo: client, header: { ...head }, claims: { ...payload } });
    await expectDecision(() => verifier.verify(text, options));
  });

  const name = fc.oneof(fc.constantFrom("Authorization", "authorization", "AUTHORIZATION", "Cookie"), anyText);
  const credentials = fc.oneof(
    markedText,
    fc
      .tuple(fc.constantFrom("Bearer ", "bearer", "Basic ", "Bearer  ", "Bearer\t"), fc.oneof(markedText, edited))
      .map((parts) => parts.join("")),
  );

  fuzz.prop([fc.array(fc.oneof(name, credentials), { maxLength: 6 }), certificate], { ...runs, numRuns: 200 })(
    "any list of headers",
    async (rawHeaders, presented) => {
      const authenticate = createAuthenticator({ verifier, certificateResolver: () => presented })();
      await expectDecision(() => authenticate({ rawHeaders, socket: {} }));
      await expectDecision(() => authenticate({ rawHeaders: ["Authorization", ...rawHeaders], socket: {} }));
    },
  );

  const everyFormat = Object.values<ForwardedCertificateFormat>(formats);
  const others = fc.array(fc.tuple(anyText, markedText), { maxLength: 2 });

  fuzz.prop([fc.constantFrom(...everyFormat), certificateText, others], { ...runs, numRuns: 250 })(
    "any forwarded value",
    async (format, text, additional) => {
      const verified = [format.verify ?? []]
        .flat()
        .flatMap((other) => [other.header, String([other.success].flat()[0])]);
      const rawHeaders = [format.header, text, ...verified, ...additional.flat()];
      await expectDecision(() => fromProxy(format, { trust })(requestOfProxy(rawHeaders)));
      await expectDecision(() =>
        fromProxy(format, { trust })(requestOfProxy([format.header, text, ...additional.flat()])),
      );
    },
  );

  fuzz.prop([fc.oneof(certificateText, certificateBytes)], { ...runs, numRuns: 250 })(
    "any certificate",
    async (given) => {
      await expectDecision(() => certificateThumbprint(given));
    },
  );

  fuzz.prop([claims, certificate], { ...runs, numRuns: 250 })(
    "any claims and certificate",
    async (tokenClaims, presented) => {
      await expectDecision(() => verifyCertificateBinding(tokenClaims, presented));
    },
  );
});

describe("a value of another type causes a TypeError:", () => {
  const isCertificate = (given: unknown): boolean =>
    typeof given === "string" || given instanceof Uint8Array || given instanceof X509Certificate;

  fuzz.prop([fc.anything({ withNullPrototype: true, withTypedArray: true })], { seed: 6750, numRuns: 300 })(
    "anything except a certificate or claims",
    (given) => {
      const certify = (): unknown => certificateThumbprint(given as string);
      const bind = (): unknown => verifyCertificateBinding(given as object, null);
      for (const [check, isTyped] of [
        [certify, isCertificate(given) || given === null],
        [bind, typeof given === "object" && given !== null && !Array.isArray(given)],
      ] as const) {
        expect(check).toThrow(isTyped ? AccessTokenError : TypeError);
      }
    },
  );
});
