import { AccessTokenError, type AccessTokenErrorCode, httpRejection } from "@certbound/core";
import { inspect } from "node:util";
import { expect } from "vitest";
import { expectRejected } from "../../responses.ts";
import { type Api, conforms, type ConformanceCase, type Presented } from "../../conformance-case.ts";
import type { RawToken } from "../../raw-token.ts";
import { AUDIENCE, ISSUER, NOW, type Scene } from "../../scene.ts";
import { constant } from "../../signers.ts";
import type { ApiServer, Route } from "../../stage.ts";

/** A text that occurs only in tokens, in every place that can contain it. */
const MARK = "mark-7f3a";

/** Line breaks, quotes and markup, which could end a header, a challenge parameter, a log line or an HTML text. */
const INJECTION = '"\r\nX-Injected: yes\r\n\r\n<script>alert(1)</script>\u001b[31m\\';

const requiresAdmin: Api = { requirements: { scopes: ["admin"] } };

/** For many codes, a token that is rejected with that code and contains the text wherever possible. */
const rejections: readonly (readonly [
  code: AccessTokenErrorCode,
  differences: (text: string) => RawToken,
  certificate?: Presented,
])[] = [
  ["ERR_TOKEN_ALGORITHM", (text) => ({ header: { alg: text } })],
  ["ERR_TOKEN_KEY_UNKNOWN", (text) => ({ header: { kid: text } })],
  ["ERR_TOKEN_SIGNATURE", () => ({ signer: constant(Buffer.alloc(64, 7)) })],
  ["ERR_TOKEN_TYPE", (text) => ({ header: { typ: text } })],
  ["ERR_TOKEN_MALFORMED", (text) => ({ header: { crit: [text] } })],
  ["ERR_TOKEN_MALFORMED", (text) => ({ payloadText: () => text })],
  ["ERR_TOKEN_ISSUER", (text) => ({ claims: { iss: text } })],
  ["ERR_TOKEN_AUDIENCE", (text) => ({ claims: { aud: text } })],
  ["ERR_TOKEN_EXPIRED", () => ({ claims: { exp: NOW - 3600 } })],
  ["ERR_TOKEN_NOT_YET_VALID", () => ({ claims: { nbf: NOW + 3600 } })],
  ["ERR_TOKEN_CLAIM", (text) => ({ claims: { exp: text } })],
  ["ERR_TOKEN_CLAIM", (text) => ({ claims: { client_id: [text] } })],
  ["ERR_BINDING_REQUIRED", () => ({ claims: { cnf: undefined } })],
  ["ERR_BINDING_MALFORMED", (text) => ({ claims: { cnf: { "x5t#S256": text } } })],
  ["ERR_BINDING_MALFORMED", (text) => ({ claims: { cnf: text } })],
  ["ERR_BINDING_UNSUPPORTED", (text) => ({ claims: { cnf: { [text]: text } } })],
  ["ERR_BINDING_MISMATCH", () => ({}), "other"],
  ["ERR_CERTIFICATE_MISSING", () => ({}), "none"],
  ["ERR_SCOPE_INSUFFICIENT", (text) => ({ claims: { scope: text } })],
];

export const cases: readonly ConformanceCase[] = [
  conforms(
    "L-01",
    "sends responses without any content of the token or the certificate, for every code",
    async ({ scene, servers }) => {
      for (const server of servers) {
        const route = server.routeOf(requiresAdmin);
        const send = sender(server, route);
        expect((await send(scene.token(marked({ claims: { scope: "admin" } }, MARK)))).status).toBe(200);
        for (const [code, differences, certificate] of rejections) {
          route.codes.length = 0;
          const token = scene.token(marked(differences(MARK), MARK));
          const response = await send(token, certificate);
          expect(route.codes).toEqual([code]);
          expectNoLeak(token, scene, inspect(response, { depth: Infinity, maxStringLength: Infinity }));
        }
      }
    },
    requiresAdmin,
  ),
  conforms(
    "L-01",
    "throws errors without any content of the token or the certificate",
    async ({ scene, verifierOf }) => {
      for (const [code, differences, certificate = "own"] of rejections) {
        const token = scene.token(marked(differences(MARK), MARK));
        const error = await rejectionOf(verifierOf(requiresAdmin).verify(token, optionsFor(certificate, scene)));
        expect(error.code).toBe(code);
        const texts = [inspect(error, { depth: Infinity, showHidden: true }), JSON.stringify(error), error.stack ?? ""];
        expectNoLeak(token, scene, texts.join("\n"));
        expect(error.cause).toBeUndefined();
      }
      const accepted = scene.token(marked({ claims: { scope: "admin" } }, MARK));
      expect(await verifierOf(requiresAdmin).verify(accepted, optionsFor("own", scene))).toMatchObject({
        claims: { sub: MARK },
      });
    },
    requiresAdmin,
  ),
  conforms(
    "L-02",
    "sends responses without line breaks, quotes or markup from a token",
    async ({ scene, servers }) => {
      for (const server of servers) {
        const route = server.routeOf(requiresAdmin);
        const send = sender(server, route);
        const harmless = await send(scene.token({ claims: { scope: "admin", note: INJECTION } }));
        expect(harmless.status).toBe(200);
        for (const [code, differences, certificate] of rejections) {
          route.codes.length = 0;
          const response = await send(scene.token(differences(INJECTION)), certificate);
          expect(route.codes).toEqual([code]);
          // Parses the challenge strictly.
          expectRejected(response, code);
          expectNoInjection(inspect(response, { depth: Infinity, maxStringLength: Infinity }));
        }
      }
    },
    requiresAdmin,
  ),
  conforms(
    "L-02",
    "throws errors without line breaks, quotes or markup from a token, which an application may log",
    async ({ scene, verifierOf }) => {
      const verify = (differences: RawToken, certificate: Presented) =>
        verifierOf(requiresAdmin).verify(scene.token(differences), optionsFor(certificate, scene));
      for (const [code, differences, certificate = "own"] of rejections) {
        const error = await rejectionOf(verify(differences(INJECTION), certificate));
        expect(error.code).toBe(code);
        const line = `${error.name} ${error.code} ${error.message} ${error.detail ?? ""}`;
        expect(line).toMatch(/^[\x20-\x7e]+$/);
        expectNoInjection(line);
        expectNoInjection(JSON.stringify(httpRejection(error)));
      }
      const { claims } = await verify({ claims: { scope: "admin", note: INJECTION } }, "own");
      expect(claims["note"]).toBe(INJECTION);
    },
    requiresAdmin,
  ),
];

/** Adds the text to claims that are not checked. */
function marked(differences: RawToken, text: string): RawToken {
  const { header, claims } = differences;
  return { ...differences, header: { note: text, ...header }, claims: { sub: text, jti: text, name: text, ...claims } };
}

function optionsFor(certificate: Presented, { own, other }: Scene) {
  const presented = { own: own.der, other: other.der, none: null };
  return { clientCertificate: presented[certificate], scopes: ["admin"] };
}

async function rejectionOf(verifying: Promise<unknown>): Promise<AccessTokenError> {
  const error: unknown = await verifying.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof AccessTokenError) return error;
  throw new Error("The token was not rejected", { cause: error });
}

function expectNoLeak(token: string, { own, other }: Scene, text: string): void {
  const parts = token.split(".").filter((part) => part.length > 8);
  const secrets = [MARK, ISSUER, AUDIENCE, "client-1", own.thumbprint, other.thumbprint, ...parts];
  expect(secrets.filter((secret) => text.includes(secret))).toEqual([]);
}

function expectNoInjection(text: string): void {
  expect(text.toLowerCase()).not.toMatch(/x-injected|<script|alert\(1\)|\[31m/);
}

/** Returns a function that sends a token to the route with the certificate of a client. */
function sender({ connections }: ApiServer, { path }: Route) {
  return (token: string, certificate: Presented = "own") =>
    connections[certificate].send({
      path,
      method: "GET",
      fields: [["authorization", `Bearer ${token}`]],
      body: undefined,
    });
}
