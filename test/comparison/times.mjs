// CPU time of a server per request, over mutual TLS with keep-alive, as a ratio to certbound in the same round.

import { request } from "node:https";
import { mtlsAgent } from "@certbound/testing";
import { issuerOf, issueToken } from "./requests.mjs";

/** @typedef {import("./parties.mjs").Parties} Parties */
/** @typedef {import("./parties.mjs").RunningCandidate} RunningCandidate */

const SAME = 1000;
const FRESH = 700;
const WARM_UP_ROUNDS = 4;
const ROUNDS = 5;
const CONCURRENCY = 8;

/**
 * Returns the median of each candidate's ratios: with one token for all requests, and with a new token for each.
 *
 * @param {readonly RunningCandidate[]} candidates of which the first is the base of the ratios
 * @param {Parties} parties
 */
export async function ratiosOfTimes(candidates, parties) {
  /** @type {Map<string, { same: number[], fresh: number[] }>} */
  const ratios = new Map(candidates.map(({ name }) => [name, { same: [], fresh: [] }]));
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round += 1) {
    const tokens = await issueTokens(candidates, parties);
    const figures = [];
    for (const candidate of candidates) figures.push(await timesOf(candidate, parties, tokens));
    const [base] = figures;
    if (round < 0 || base === undefined) continue;
    for (const { name, same, fresh } of figures) {
      ratios.get(name)?.same.push(same / base.same);
      ratios.get(name)?.fresh.push(fresh / base.fresh);
    }
  }
  return new Map([...ratios].map(([name, { same, fresh }]) => [name, { same: median(same), fresh: median(fresh) }]));
}

/**
 * Issues the tokens of a round. All candidates get the same tokens, except candidates that need another issuer.
 *
 * @param {readonly RunningCandidate[]} candidates
 * @param {Parties} parties
 */
async function issueTokens(candidates, parties) {
  /** @type {Map<string, readonly string[]>} */
  const byIssuer = new Map();
  /** @type {Map<string, readonly string[]>} */
  const byCandidate = new Map();
  for (const { name } of candidates) {
    const issuer = issuerOf(name, parties.settings);
    const issue = () => issueToken(name, parties, { boundTo: parties.client });
    const tokens = byIssuer.get(issuer) ?? (await Promise.all(Array.from({ length: FRESH + 1 }, issue)));
    byIssuer.set(issuer, tokens);
    byCandidate.set(name, tokens);
  }
  return byCandidate;
}

/** @param {RunningCandidate} candidate @param {Parties} parties @param {ReadonlyMap<string, readonly string[]>} tokens */
async function timesOf(candidate, parties, tokens) {
  const [token = "", ...fresh] = tokens.get(candidate.name) ?? [];
  const same = await cpuTime(
    candidate,
    parties,
    Array.from({ length: SAME }, () => token),
  );
  return { name: candidate.name, same, fresh: await cpuTime(candidate, parties, fresh) };
}

/** @param {RunningCandidate} candidate @param {Parties} parties @param {readonly string[]} tokens */
async function cpuTime(candidate, { ca, client: identity }, tokens) {
  const agent = mtlsAgent({ ca, identity, keepAlive: true });
  agent.maxSockets = CONCURRENCY;
  const send = async (/** @type {string} */ token) => {
    const status = await statusOf(`${candidate.url}/required`, agent, token);
    if (status !== 200) throw new Error(`${candidate.name} responded with ${status}`);
  };
  try {
    // Connects, fetches the keys, and verifies the first token.
    await Promise.all(tokens.slice(0, CONCURRENCY).map(send));
    const remaining = tokens.slice(CONCURRENCY);
    const before = await candidate.cpuTime();
    await Promise.all(
      Array.from({ length: CONCURRENCY }, async () => {
        for (let token = remaining.pop(); token !== undefined; token = remaining.pop()) await send(token);
      }),
    );
    return (await candidate.cpuTime()) - before;
  } finally {
    agent.destroy();
  }
}

/** @param {string} url @param {import("node:https").Agent} agent @param {string} token @returns {Promise<number | undefined>} */
function statusOf(url, agent, token) {
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent, headers: { authorization: `Bearer ${token}` } }, (response) => {
      response.resume().on("end", () => resolve(response.statusCode));
    });
    sent.on("error", reject).end();
  });
}

/** @param {readonly number[]} values */
function median(values) {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN;
}
