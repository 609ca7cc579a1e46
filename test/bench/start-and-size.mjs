// Measures a cold start, bursts with one token, memory per token, and the effect of the number of keys and issuers.

import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createVerifier } from "@certbound/core";
import { exportJWK, generateKeyPair } from "jose";
import { createFixture, copiesOf } from "./fixture.mjs";
import { compare } from "./rounds.mjs";

/** @typedef {import("./report.mjs").Table} Table */

const COLD = 1000;
/** The number of tokens in use at the same time. */
const LIVE = 5000;
const BURST = 32;

/** @param {number} rounds @returns {Promise<readonly Table[]>} */
export async function coldStart(rounds) {
  const { issuer, client, accessToken } = await createFixture("ES256");
  const { issuer: identifier, audience, jwks, jwksUri } = issuer;
  const use = { clientCertificate: { thumbprint: client.thumbprint } };
  try {
    const tokens = await Promise.all(Array.from({ length: COLD }, () => accessToken()));
    const cold = createVerifier({ issuer: identifier, audience, jwks: jwksUri });
    const before = issuer.requests.length;
    await Promise.all(tokens.map((token) => cold.verify(token, use)));
    const fetches = issuer.requests.length - before;

    // Each burst uses a new token.
    const newToken = () => accessToken({ claims: { jti: randomUUID() } });
    const newTokens = await Promise.all(Array.from({ length: 4000 }, newToken));
    let used = 0;
    const burst = (/** @type {number | false} */ verifiedTokens) => {
      const verifier = createVerifier({ issuer: identifier, audience, jwks, verifiedTokens });
      return () => {
        const token = newTokens[(used += 1) % newTokens.length] ?? "";
        return Promise.all(Array.from({ length: BURST }, () => verifier.verify(token, use)));
      };
    };
    const rows = await compare(
      [
        { name: "verified separately", run: burst(false) },
        { name: "shared", run: burst(1) },
      ],
      { rounds },
    );
    return [
      { title: `${COLD} requests at a cold start`, rows: [{ name: "fetches of the keys", ratio: fetches, atMost: 1 }] },
      {
        title: `${BURST} requests at once with one new token`,
        rows: rows.map((row, index) => (index === 1 ? { ...row, atMost: 0.15 } : row)),
      },
    ];
  } finally {
    await issuer.close();
  }
}

/** @returns {Promise<readonly Table[]>} */
export async function memory() {
  const script = fileURLToPath(new URL("memory.mjs", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, ["--expose-gc", script]);
  const { kilobytes, characters } = JSON.parse(stdout);
  const name = `KB per token of ${characters} characters`;
  return [{ title: "memory", rows: [{ name, ratio: kilobytes, atMost: 2 }] }];
}

/** @param {number} rounds @returns {Promise<readonly Table[]>} */
export async function scaling(rounds) {
  const { issuer, client, accessToken } = await createFixture("ES256");
  await issuer.close();
  const { issuer: identifier, audience, jwks } = issuer;
  const { publicKey } = await generateKeyPair("ES256", { extractable: true });
  const other = await exportJWK(publicKey);
  const many = Array.from({ length: 999 }, (_, index) => ({ ...other, kid: `other-${index}` }));
  const issuers = many.map(({ kid }) => ({ issuer: `https://${kid}.example`, audience, jwks: { keys: [other] } }));
  const clientCertificate = { thumbprint: client.thumbprint };
  const token = await accessToken();
  /** @param {import("@certbound/core").VerifierOptions} options @param {readonly string[]} tokens are used in turn */
  const cached = (options, tokens = [token]) => {
    const verifier = createVerifier(options);
    const next = tokens.map(copiesOf);
    let turn = 0;
    return () => verifier.verify(next[turn++ % next.length]?.() ?? "", { clientCertificate });
  };
  const trustedIssuer = { issuer: identifier, audience, jwks };
  /** @type {string[]} */
  const live = [];
  while (live.length < LIVE) live.push(await accessToken({ claims: { jti: `${live.length}` } }));
  const padded = async (/** @type {number} */ length) => accessToken({ claims: { padding: "x".repeat(length) } });
  const sizes = [token, await padded(2200), await padded(8200)];
  const rows = await compare(
    [
      { name: "1 key, 1 issuer", run: cached(trustedIssuer) },
      { name: "1000 keys", run: cached({ ...trustedIssuer, jwks: { keys: [...many, ...jwks.keys] } }) },
      { name: "1000 issuers", run: cached({ issuer: [...issuers, trustedIssuer] }) },
    ],
    { rounds },
  );
  const bySize = sizes.map((text) => ({ name: `${text.length} characters`, run: cached(trustedIssuer, [text]) }));
  const byNumber = [
    { name: "1 live token", run: cached(trustedIssuer) },
    { name: `${LIVE} live tokens`, run: cached(trustedIssuer, live) },
  ];
  // Verifies every token once before the measurement.
  for (const _ of live) await byNumber[1]?.run();
  return [
    {
      title: "a cached token, over one with 1 key and 1 issuer",
      rows: rows.map((row, index) => (index === 0 ? row : { ...row, atMost: 1.05 })),
    },
    { title: "a cached token, by its size", rows: await compare(bySize, { rounds }) },
    {
      title: "a cached token, by the number of live tokens used in turn",
      rows: await compare(byNumber, { rounds }),
    },
  ];
}
