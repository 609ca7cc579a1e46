// Mixed load on one API: valid, stolen, expired and garbage tokens, over persistent and over new connections. Every response
// must be correct, and the heap of the API must not grow: npm run soak -- [--seconds 600]

import { createCertificateAuthority, createIssuer } from "@certbound/testing";
import { fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { Agent, get } from "node:https";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const { values } = parseArgs({ options: { seconds: { type: "string", default: "600" } } });
const seconds = Number(values.seconds);
/** The number of heap measurements, which begin after a fifth of the time. */
const SAMPLES = 12;
const MEGABYTE = 1024 * 1024;
/** The allowed heap growth, which is noise. */
const TOLERANCE = 2 * MEGABYTE;

const authority = await createCertificateAuthority();
const [server, client, thief] = await Promise.all([
  authority.issueServerCertificate(),
  authority.issueClientCertificate(),
  authority.issueClientCertificate({ commonName: "thief" }),
]);
const issuer = await createIssuer();
const api = fork(fileURLToPath(new URL("soak-api.mjs", import.meta.url)), { execArgv: ["--expose-gc"] });
process.once("exit", () => api.kill());
const ca = authority.certificate;
api.send({
  tls: { key: server.key, cert: server.certificate, ca, requestCert: true, rejectUnauthorized: true },
  trust: { issuer: issuer.issuer, audience: issuer.audience, jwks: issuer.jwks },
});
const [url] = /** @type {[string]} */ (await once(api, "message"));

const [bound, expired] = await Promise.all([
  issuer.accessToken({ boundTo: client, expiresIn: 86_400 }),
  issuer.accessToken({ boundTo: client, expiresIn: -60 }),
]);
const newToken = () => issuer.accessToken({ boundTo: client, expiresIn: 86_400 });

/** @type {readonly { name: string, identity: import("@certbound/testing").Identity, token: () => string | Promise<string>, status: number, keepAlive: boolean, perSecond: number }[]} */
const kinds = [
  {
    name: "a reused token",
    identity: client,
    token: () => bound,
    status: 200,
    keepAlive: true,
    perSecond: 80,
  },
  { name: "a new token each time", identity: client, token: newToken, status: 200, keepAlive: true, perSecond: 30 },
  { name: "a stolen token", identity: thief, token: () => bound, status: 401, keepAlive: true, perSecond: 30 },
  { name: "an expired token", identity: client, token: () => expired, status: 401, keepAlive: true, perSecond: 30 },
  {
    name: "garbage",
    identity: client,
    token: () => randomBytes(600).toString("base64url"),
    status: 401,
    keepAlive: true,
    perSecond: 30,
  },
  {
    name: "a token over a new connection",
    identity: client,
    token: () => bound,
    status: 200,
    keepAlive: false,
    perSecond: 10,
  },
  {
    name: "a stolen token over a new connection",
    identity: thief,
    token: () => bound,
    status: 401,
    keepAlive: false,
    perSecond: 10,
  },
];

const end = performance.now() + seconds * 1000;
const counts = new Map(kinds.map(({ name }) => [name, { responses: 0, wrong: 0 }]));

/** @param {(typeof kinds)[number]} kind */
async function load({ name, identity, token, status, keepAlive, perSecond }) {
  const { certificate: cert, key } = identity;
  const agent = new Agent({ keepAlive, maxSockets: 1, ca, cert, key, maxCachedSessions: 0 });
  const count = counts.get(name) ?? { responses: 0, wrong: 0 };
  for (let due = performance.now(); due < end; due = Math.max(due + 1000 / perSecond, performance.now())) {
    await sleep(Math.max(0, due - performance.now()));
    const request = get(url, { agent, headers: { authorization: `Bearer ${await token()}` } });
    const [response] = /** @type {[import("node:http").IncomingMessage]} */ (await once(request, "response"));
    await text(response);
    count.responses += 1;
    if (response.statusCode !== status) count.wrong += 1;
  }
  agent.destroy();
}

async function measureHeap() {
  const sizes = [];
  await sleep(seconds * 200);
  for (let sample = 0; sample < SAMPLES; sample += 1) {
    await sleep((seconds * 800) / SAMPLES);
    api.send("heap");
    const [size] = /** @type {[number]} */ (await once(api, "message"));
    sizes.push(size);
    console.log(`heap: ${(size / MEGABYTE).toFixed(2)} MB`);
  }
  return sizes;
}

const [sizes] = await Promise.all([measureHeap(), ...kinds.map(load)]);
const third = SAMPLES / 3;
const mean = (/** @type {number[]} */ list) => list.reduce((sum, size) => sum + size, 0) / list.length;
const growth = mean(sizes.slice(-third)) - mean(sizes.slice(0, third));
console.table(Object.fromEntries(counts));
const wrong = [...counts.values()].reduce((sum, count) => sum + count.wrong, 0);
const isFlat = growth <= TOLERANCE;
console.log(
  `${wrong} wrong responses; the heap grew by ${(growth / MEGABYTE).toFixed(2)} MB: ${isFlat ? "no leak" : "LEAK"}`,
);
process.exitCode = wrong === 0 && isFlat ? 0 : 1;
api.disconnect();
await issuer.close();
