import { once } from "node:events";
import { Agent, get } from "node:https";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { CODE_HEADER } from "./apis.mjs";

/**
 * @typedef {object} Answer
 * @property {import("./apis.mjs").Api} api
 * @property {import("./kinds.mjs").Kind} kind
 * @property {string} phase in which the request was sent
 * @property {string} answer the status and, for a rejection, the code
 * @property {string[]} allowed what it might have been
 * @property {number} took milliseconds
 *
 * @typedef {{ phase: string, answers: Answer[], ended: boolean }} Recording of a run
 */

/**
 * Sends requests of one kind to one API until the run has ended: over one connection, one at a time, at the kind's rate.
 *
 * @param {{ api: import("./apis.mjs").Api, kind: import("./kinds.mjs").Kind, ca: string }} load
 * @param {Recording} recording
 */
export async function sendRequests({ api, kind, ca }, recording) {
  const { certificate: cert, key } = kind.identity;
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ca, cert, key });
  for (let due = performance.now(); !recording.ended; due = Math.max(due + 1000 / kind.perSecond, performance.now())) {
    await sleep(Math.max(0, due - performance.now()));
    const { phase } = recording;
    const started = performance.now();
    const allowed = kind.expect(api.link);
    const answer = await ask(api.url, { agent, token: kind.token(api.link), patience: kind.patience });
    recording.answers.push({ api, kind, phase, answer, allowed: allowed(), took: performance.now() - started });
  }
  agent.destroy();
}

/** @param {string} url @param {{ agent: Agent, token: string, patience: number }} options */
async function ask(url, { agent, token, patience }) {
  const signal = AbortSignal.timeout(patience);
  const request = get(url, { agent, signal, headers: { authorization: `Bearer ${token}` } });
  try {
    const [response] = await once(request, "response");
    return describe(response, await text(response));
  } catch (error) {
    return `no answer: ${String(error)}`;
  }
}

/**
 * The status and the code, and what is missing: the body of a client that was let in, or the header that tells a client
 * why it was not (RFC 6750 section 3), or when to come back (RFC 9110 section 10.2.3).
 *
 * @param {import("node:http").IncomingMessage} response
 * @param {string} body
 */
function describe({ statusCode, headers }, body) {
  const code = headers[CODE_HEADER];
  const answer = code === undefined ? `${statusCode}` : `${statusCode} ${String(code)}`;
  if (statusCode === 200 && body !== '{"client":"client-1"}') return `${answer} without the client's name`;
  if (statusCode === 401 && !/error="invalid_token"/.test(headers["www-authenticate"] ?? ""))
    return `${answer} without challenge`;
  if (statusCode === 503 && !/^[1-9]\d*$/.test(headers["retry-after"] ?? "")) return `${answer} without Retry-After`;
  return answer;
}
