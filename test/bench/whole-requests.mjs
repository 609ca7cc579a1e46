// Measures whole requests over mutual TLS on loopback, with keep-alive: server CPU time and requests per second.

import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import autocannon from "autocannon";
import { createCertificateAuthority } from "@certbound/testing";
import { createFixture } from "./fixture.mjs";
import { quantile } from "./rounds.mjs";

/** @typedef {import("./report.mjs").Row} Row */
/** @typedef {import("./report.mjs").Table} Table */
/** @typedef {{ readonly cpu: number, readonly rate: number }} Figure CPU microseconds of the server per request, and requests per second */
/** @typedef {Awaited<ReturnType<typeof startServer>>} Server */
/** @typedef {{ readonly headers: Record<string, string>, readonly tls: object }} Client */

const CONNECTIONS = 10;
/** The number of measurements of each server per start. */
const TURNS = 3;

const servers = [
  { framework: "node:http", atLeast: 0.9, checks: ["none", "certbound", "certbound, nothing cached", "by hand"] },
  { framework: "express", atLeast: 0.9, checks: ["none", "certbound", "by hand", "express-oauth2-jwt-bearer"] },
  { framework: "fastify", atLeast: 0.9, checks: ["none", "certbound"] },
];

/**
 * Restarts every server for each round, because two processes of the same program differ by more than the effect that is
 * measured.
 *
 * @param {number} rounds @returns {Promise<readonly Table[]>}
 */
export async function wholeRequests(rounds) {
  const authority = await createCertificateAuthority();
  const { certificate: cert, key } = await authority.issueServerCertificate();
  const { issuer, client, accessToken } = await createFixture("ES256");
  const { issuer: identifier, audience, jwks, jwksUri } = issuer;
  const setup = { tls: { cert, key }, issuer: identifier, audience, jwks, jwksUri: jwksUri.href };
  const headers = { authorization: `Bearer ${await accessToken({ expiresIn: 3600 })}` };
  const tls = { cert: client.certificate, key: client.key, ca: authority.certificate };
  const tables = [];
  const stopStayingAwake = stayAwake();
  try {
    for (const { framework, atLeast, checks } of servers) {
      /** @type {Figure[][]} */
      const figures = checks.map(() => []);
      for (let round = 0; round < rounds; round += 1) {
        const running = await Promise.all(checks.map((check) => startServer(framework, check, setup)));
        try {
          const measured = await inTurn(running, { headers, tls });
          for (const [index, figure] of measured.entries()) figures[index]?.push(figure);
        } finally {
          for (const { child } of running) child.kill();
        }
      }
      tables.push(table(framework, checks, figures, atLeast));
    }
    return tables;
  } finally {
    stopStayingAwake();
    await issuer.close();
  }
}

/**
 * Keeps the load generator awake. The kernel charges the cost of waking a process to the process that writes to it, so a
 * server that is slower than the generator would pay for every wake-up in addition.
 */
function stayAwake() {
  let awake = true;
  const spin = () => {
    if (awake) setImmediate(spin);
  };
  spin();
  return () => {
    awake = false;
  };
}

/** @param {readonly Server[]} running @param {Client} client @returns {Promise<readonly Figure[]>} the medians */
async function inTurn(running, client) {
  for (const server of running) await measure(server, client, 2);
  /** @type {Figure[][]} */
  const figures = running.map(() => []);
  for (let turn = 0; turn < TURNS; turn += 1) {
    for (const [index, server] of running.entries()) figures[index]?.push(await measure(server, client, 1));
  }
  return figures.map((serverFigures) => ({
    cpu: quantile(
      serverFigures.map(({ cpu }) => cpu),
      0.5,
    ),
    rate: quantile(
      serverFigures.map(({ rate }) => rate),
      0.5,
    ),
  }));
}

/** @param {string} framework @param {readonly string[]} checks @param {readonly (readonly Figure[])[]} figures @param {number} atLeast @returns {Table} */
function table(framework, checks, figures, atLeast) {
  const base = figures[0] ?? [];
  const rows = checks.map((name, index) => {
    const serverFigures = figures[index] ?? [];
    const throughputs = serverFigures.map(({ cpu }, round) => (base[round]?.cpu ?? Number.NaN) / cpu);
    const [low, ratio, high] = [quantile(throughputs, 0.1), quantile(throughputs, 0.5), quantile(throughputs, 0.9)];
    const rate = quantile(
      serverFigures.map((figure) => figure.rate),
      0.5,
    );
    const microseconds = quantile(
      serverFigures.map(({ cpu }) => cpu),
      0.5,
    );
    const target = name === "certbound" ? { atLeast } : {};
    return { name, microseconds, ratio, low, high, note: `${rate.toFixed(0)} requests/s`, ...target };
  });
  return { title: `whole requests on ${framework}: throughput by server CPU, over no check`, rows };
}

/** @param {string} framework @param {string} check @param {object} setup */
async function startServer(framework, check, setup) {
  const child = fork(fileURLToPath(new URL("server.mjs", import.meta.url)), [framework, check]);
  child.send(setup);
  const [port] = /** @type {[number]} */ (await once(child, "message"));
  return { child, url: `https://127.0.0.1:${port}/` };
}

/** @param {Server} server @param {Client} client @param {number} duration seconds @returns {Promise<Figure>} */
async function measure({ child, url }, { headers, tls }, duration) {
  const before = await usage(child);
  const tlsOptions = { ...tls, servername: "localhost" };
  const {
    "2xx": successes,
    non2xx,
    errors,
    requests,
  } = await autocannon({
    url,
    headers,
    connections: CONNECTIONS,
    duration,
    tlsOptions,
  });
  if (successes === 0 || non2xx > 0 || errors > 0) throw new Error(`${non2xx} rejected, ${errors} failed at ${url}`);
  return { cpu: ((await usage(child)) - before) / successes, rate: requests.average };
}

/** @param {import("node:child_process").ChildProcess} child @returns {Promise<number>} microseconds so far */
async function usage(child) {
  child.send("usage");
  const [{ user, system }] = /** @type {[NodeJS.CpuUsage]} */ (await once(child, "message"));
  return user + system;
}
