// What a check costs inside a process: a token that is remembered, new, refused; a certificate, read and forwarded.

import { X509Certificate } from "node:crypto";
import { AccessTokenError, createAuthenticator, fromProxy, nginx, rfc9440, tlsCertificate } from "@certbound/core";
import { presentedToken } from "../../packages/core/dist/presented-token.js";
import { parseRequirements } from "../../packages/core/dist/requirements.js";
import { innerEntry } from "../../packages/core/dist/verifier.js";
import { openConnection } from "./connection.mjs";
import { createFixture, freshly } from "./fixture.mjs";
import * as peers from "./peers.mjs";
import { compare } from "./rounds.mjs";

/** @typedef {import("./fixture.mjs").Algorithm} Algorithm */
/** @typedef {import("./fixture.mjs").Fixture} Fixture */
/** @typedef {import("./report.mjs").Table} Table */
/** @typedef {import("./report.mjs").Row} Row */

/**
 * All that a server adds to a request: token and certificate are read from it, verified and compared.
 *
 * @param {Fixture} fixture @param {import("node:tls").TLSSocket} socket @param {string} token @param {{ remember: boolean }} options
 */
function certbound({ issuer }, socket, token, { remember }) {
  const { issuer: identifier, audience, jwks } = issuer;
  const verifiedTokens = remember ? 10_000 : false;
  const authenticate = createAuthenticator({ issuer: identifier, audience, jwks, verifiedTokens })();
  const next = freshly(token);
  return () => authenticate({ rawHeaders: ["Host", "api", "Authorization", `Bearer ${next()}`], socket });
}

/**
 * The part of it that is about the token: what an adapter calls once it has read the request.
 *
 * @param {Fixture} fixture @param {import("node:tls").TLSSocket} socket @param {string} token
 */
function certboundVerification({ issuer }, socket, token) {
  const { issuer: identifier, audience, jwks } = issuer;
  const { verifier } = createAuthenticator({ issuer: identifier, audience, jwks });
  const entry = innerEntry(verifier);
  const certificate = tlsCertificate({ rawHeaders: [], socket });
  if (entry === undefined || certificate === null) throw new Error("there is no certificate");
  const requirements = parseRequirements({}, entry.configuration);
  const next = freshly(token);
  return () => {
    const text = next();
    const verdict = entry.verify(presentedToken(text, text), {
      certificate,
      requirements,
      request: undefined,
      observation: undefined,
    });
    if (verdict instanceof AccessTokenError) throw verdict;
    return verdict;
  };
}

/** @param {() => Promise<unknown>} check @param {string} code */
function refused(check, code) {
  return () =>
    check().then(
      () => Promise.reject(new Error("it was accepted")),
      (/** @type {unknown} */ error) => {
        if (!(error instanceof AccessTokenError && error.code === code)) throw error;
      },
    );
}

/** @param {Algorithm} algorithm @param {number} rounds @returns {Promise<readonly Table[]>} */
export async function tokens(algorithm, rounds) {
  const fixture = await createFixture(algorithm);
  const { issuer, client, thief, accessToken } = fixture;
  const [own, stolen, token, old, misaddressed] = await Promise.all([
    openConnection(client),
    openConnection(thief),
    accessToken(),
    accessToken({ expiresIn: -600 }),
    accessToken({ claims: { aud: "https://other.example" } }),
  ]);
  const forgotten = { remember: false };
  const garbage = "x".repeat(token.length);
  const most =
    algorithm === "RS256"
      ? { memory: 0.1, refusal: 0.5, garbage: 0.15 }
      : { memory: 0.03, refusal: 0.15, garbage: 0.05 };
  try {
    const floor = { name: "crypto.verify (the floor)", run: peers.floor(token, fixture) };
    const remembered = await compare(
      [
        floor,
        { name: "certbound, its verification", run: certboundVerification(fixture, own, token) },
        { name: "certbound, from request to decision", run: certbound(fixture, own, token, { remember: true }) },
        { name: "fast-jwt, its cache on", run: peers.fastJwt(token, fixture, true) },
      ],
      { rounds },
    );
    const refusals = await compare(
      [
        floor,
        { name: "stolen", run: refused(certbound(fixture, stolen, token, forgotten), "ERR_BINDING_MISMATCH") },
        { name: "expired", run: refused(certbound(fixture, own, old, forgotten), "ERR_TOKEN_EXPIRED") },
        { name: "misaddressed", run: refused(certbound(fixture, own, misaddressed, forgotten), "ERR_TOKEN_AUDIENCE") },
        { name: "garbage", run: refused(certbound(fixture, own, garbage, forgotten), "ERR_TOKEN_MALFORMED") },
      ],
      { rounds },
    );
    const others = [
      { name: "jose jwtVerify, local key set", run: peers.joseJwtVerify(token, fixture) },
      { name: "certbound, nothing remembered", run: certbound(fixture, own, token, forgotten) },
      { name: "jose and a thumbprint, by hand", run: peers.handWritten(token, fixture) },
      { name: "fast-jwt", run: peers.fastJwt(token, fixture, false) },
      { name: "aws-jwt-verify", run: peers.awsJwtVerify(token, fixture) },
      { name: "express-oauth2-jwt-bearer, no binding", run: peers.expressOauth2JwtBearer(token, fixture) },
    ];
    return [
      {
        title: `${algorithm}: a remembered token, over the floor`,
        rows: withTarget(remembered, most.memory),
      },
      {
        title: `${algorithm}: refused, over the floor`,
        rows: refusals.map((row, index) =>
          index === 0 ? row : { ...row, atMost: row.name === "garbage" ? most.garbage : most.refusal },
        ),
      },
      {
        title: `${algorithm}: a new token, one at a time, over jose`,
        rows: withTarget(await compare(others, { rounds }), 1.2),
      },
      {
        title: `${algorithm}: a new token, 64 in flight, over jose`,
        rows: withTarget(await compare(others.slice(0, 3), { rounds, atOnce: 64 }), 1.4),
      },
    ];
  } finally {
    await issuer.close();
  }
}

/** @param {readonly Row[]} rows @param {number} atMost @returns {readonly Row[]} the second one is certbound's */
function withTarget(rows, atMost) {
  return rows.map((row, index) => (index === 1 ? { ...row, atMost } : row));
}

/** @param {number} rounds @returns {Promise<readonly Table[]>} */
export async function certificates(rounds) {
  const { issuer, client } = await createFixture("ES256");
  await issuer.close();
  const socket = await openConnection(client);
  const pem = freshly(encodeURIComponent(client.certificate));
  const der = freshly(`:${new X509Certificate(client.certificate).raw.toString("base64")}:`);
  const trust = { secret: { header: "x-proxy-secret", value: "a-secret-of-the-proxy-and-the-API-only" } };
  const [fromNginx, fromAny] = [fromProxy(nginx(), { trust }), fromProxy(rfc9440(), { trust })];
  const headers = ["Host", "api", "Accept", "*/*", "User-Agent", "bench", "X-Proxy-Secret", trust.secret.value];
  const anew = () => new X509Certificate(client.certificate).fingerprint256;
  /** @param {ReturnType<typeof fromNginx>} resolved */
  const found = (resolved) => {
    if (resolved instanceof AccessTokenError) throw resolved;
    return resolved;
  };
  const rows = await compare(
    [
      { name: "parsed and hashed by crypto", run: anew },
      { name: "of a connection", run: () => tlsCertificate({ rawHeaders: [], socket }) },
      {
        name: "forwarded by nginx",
        run: () =>
          found(
            fromNginx({ rawHeaders: [...headers, "ssl-client-cert", pem(), "ssl-client-verify", "SUCCESS"], socket }),
          ),
      },
      {
        name: "forwarded, RFC 9440",
        run: () => found(fromAny({ rawHeaders: [...headers, "client-cert", der()], socket })),
      },
    ],
    { rounds },
  );
  const most = [Number.NaN, 0.1, 5, 5];
  return [
    {
      title: "the client's certificate, in microseconds",
      rows: rows.map((row, index) => (index === 0 ? row : { ...row, atMost: most[index], measured: row.microseconds })),
    },
  ];
}
