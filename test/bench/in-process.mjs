// The cost of a check within a process: cached, new and rejected tokens; certificates from a connection and from a header.

import { X509Certificate } from "node:crypto";
import {
  AccessTokenError,
  createAuthenticator,
  createVerifier,
  fromProxy,
  nginx,
  rfc9440,
  tlsCertificate,
} from "@certbound/core";
import { openConnection } from "./connection.mjs";
import { createFixture, copiesOf } from "./fixture.mjs";
import * as peers from "./peers.mjs";
import { compare } from "./rounds.mjs";

/** @typedef {import("./fixture.mjs").Algorithm} Algorithm */
/** @typedef {import("./fixture.mjs").Fixture} Fixture */
/** @typedef {import("./report.mjs").Table} Table */
/** @typedef {import("./report.mjs").Row} Row */

/**
 * The whole check of a request: reads the token and the certificate, verifies them and compares them.
 *
 * @param {Fixture} fixture @param {import("node:tls").TLSSocket} socket @param {string} token @param {{ cache: boolean }} options
 */
function certbound({ issuer }, socket, token, { cache }) {
  const { issuer: identifier, audience, jwks } = issuer;
  const verifiedTokens = cache ? 10_000 : false;
  const authenticate = createAuthenticator({ issuer: identifier, audience, jwks, verifiedTokens })();
  const next = copiesOf(token);
  return () => authenticate({ rawHeaders: ["Host", "api", "Authorization", `Bearer ${next()}`], socket });
}

/**
 * The verification of the token alone, with a certificate that was already read.
 *
 * @param {Fixture} fixture @param {string} token @param {import("@certbound/core").ClientCertificateInput} clientCertificate
 */
function certboundVerification({ issuer }, token, clientCertificate) {
  const { issuer: identifier, audience, jwks } = issuer;
  const verifier = createVerifier({ issuer: identifier, audience, jwks });
  const next = copiesOf(token);
  return () => verifier.verify(next(), { clientCertificate });
}

/** @param {() => Promise<unknown>} check @param {string} code */
function rejected(check, code) {
  return () =>
    check().then(
      () => Promise.reject(new Error("the token was accepted")),
      (/** @type {unknown} */ error) => {
        if (!(error instanceof AccessTokenError && error.code === code)) throw error;
      },
    );
}

/** @param {Algorithm} algorithm @param {number} rounds @returns {Promise<readonly Table[]>} */
export async function tokens(algorithm, rounds) {
  const fixture = await createFixture(algorithm);
  const { issuer, client, thief, accessToken } = fixture;
  const [ownConnection, thiefConnection, token, expired, misaddressed] = await Promise.all([
    openConnection(client),
    openConnection(thief),
    accessToken(),
    accessToken({ expiresIn: -600 }),
    accessToken({ claims: { aud: "https://other.example" } }),
  ]);
  const uncached = { cache: false };
  const garbage = "x".repeat(token.length);
  const targets =
    algorithm === "RS256"
      ? { cached: 0.1, rejection: 0.8, garbage: 0.35 }
      : { cached: 0.03, rejection: 0.3, garbage: 0.12 };
  const certificate = tlsCertificate({ rawHeaders: [], socket: ownConnection });
  if (certificate === null) throw new Error("the connection has no client certificate");
  try {
    const floor = { name: "crypto.verify (the floor)", run: peers.floor(token, fixture) };
    const cached = await compare(
      [
        floor,
        { name: "certbound, from request to decision", run: certbound(fixture, ownConnection, token, { cache: true }) },
      ],
      { rounds },
    );
    const verifications = await compare(
      [
        { name: "fast-jwt, without a binding check", run: peers.fastJwt(token, fixture, true) },
        { name: "verify(), certificate already read", run: certboundVerification(fixture, token, certificate) },
        {
          name: "verify(), thumbprint",
          run: certboundVerification(fixture, token, { thumbprint: certificate.thumbprint }),
        },
      ],
      { rounds },
    );
    const rejections = await compare(
      [
        floor,
        { name: "stolen", run: rejected(certbound(fixture, thiefConnection, token, uncached), "ERR_BINDING_MISMATCH") },
        { name: "expired", run: rejected(certbound(fixture, ownConnection, expired, uncached), "ERR_TOKEN_EXPIRED") },
        {
          name: "misaddressed",
          run: rejected(certbound(fixture, ownConnection, misaddressed, uncached), "ERR_TOKEN_AUDIENCE"),
        },
        { name: "garbage", run: rejected(certbound(fixture, ownConnection, garbage, uncached), "ERR_TOKEN_MALFORMED") },
      ],
      { rounds },
    );
    const others = [
      { name: "jose jwtVerify, local key set", run: peers.joseJwtVerify(token, fixture) },
      { name: "certbound, nothing cached", run: certbound(fixture, ownConnection, token, uncached) },
      { name: "jose and a thumbprint, by hand", run: peers.handWritten(token, fixture) },
      { name: "fast-jwt", run: peers.fastJwt(token, fixture, false) },
      { name: "aws-jwt-verify", run: peers.awsJwtVerify(token, fixture) },
      { name: "express-oauth2-jwt-bearer, no binding", run: peers.expressOauth2JwtBearer(token, fixture) },
    ];
    return [
      {
        title: `${algorithm}: a cached token, over the floor`,
        rows: withTarget(cached, targets.cached),
      },
      {
        title: `${algorithm}: a cached token, over the cache of fast-jwt`,
        rows: verifications.map((row, index) => (index === 0 ? row : { ...row, atMost: 1 })),
      },
      {
        title: `${algorithm}: rejected, over the floor`,
        rows: rejections.map((row, index) =>
          index === 0 ? row : { ...row, atMost: row.name === "garbage" ? targets.garbage : targets.rejection },
        ),
      },
      {
        title: `${algorithm}: a new token, one at a time, over jose`,
        rows: withTarget(await compare(others, { rounds }), 1.25),
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

/** @param {readonly Row[]} rows @param {number} atMost @returns {readonly Row[]} with a target for the second row, certbound */
function withTarget(rows, atMost) {
  return rows.map((row, index) => (index === 1 ? { ...row, atMost } : row));
}

/** @param {number} rounds @returns {Promise<readonly Table[]>} */
export async function certificates(rounds) {
  const { issuer, client } = await createFixture("ES256");
  await issuer.close();
  const socket = await openConnection(client);
  const pem = copiesOf(encodeURIComponent(client.certificate));
  const der = copiesOf(`:${new X509Certificate(client.certificate).raw.toString("base64")}:`);
  const trust = { secret: { header: "x-proxy-secret", value: "a-secret-of-the-proxy-and-the-API-only" } };
  const [fromNginx, fromAny] = [fromProxy(nginx(), { trust }), fromProxy(rfc9440(), { trust })];
  const headers = ["Host", "api", "Accept", "*/*", "User-Agent", "bench", "X-Proxy-Secret", trust.secret.value];
  const parseAndHash = () => new X509Certificate(client.certificate).fingerprint256;
  /** @param {ReturnType<typeof fromNginx>} resolved */
  const successful = (resolved) => {
    if (resolved instanceof AccessTokenError) throw resolved;
    return resolved;
  };
  const rows = await compare(
    [
      { name: "parsed and hashed by crypto", run: parseAndHash },
      { name: "from a connection", run: () => tlsCertificate({ rawHeaders: [], socket }) },
      {
        name: "forwarded by nginx",
        run: () =>
          successful(
            fromNginx({ rawHeaders: [...headers, "ssl-client-cert", pem(), "ssl-client-verify", "SUCCESS"], socket }),
          ),
      },
      {
        name: "forwarded, RFC 9440",
        run: () => successful(fromAny({ rawHeaders: [...headers, "client-cert", der()], socket })),
      },
    ],
    { rounds },
  );
  const targets = [Number.NaN, 0.1, 5, 5];
  return [
    {
      title: "the client's certificate, in microseconds",
      rows: rows.map((row, index) =>
        index === 0 ? row : { ...row, atMost: targets[index], measured: row.microseconds },
      ),
    },
  ];
}
