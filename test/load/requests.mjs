import { once } from "node:events";
import { Agent, get } from "node:https";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { CODE_HEADER } from "./apis.mjs";

/**
 * @typedef {object} RecordedResponse
 * @property {import("./apis.mjs").Api} api
 * @property {import("./kinds.mjs").Kind} kind
 * @property {string} phase in which the request was sent
 * @property {string} outcome the status and, for a rejection, the error code
 * @property {string[]} allowed the allowed outcomes
 * @property {number} took milliseconds
 *
 * @typedef {{ phase: string, responses: RecordedResponse[], ended: boolean }} Recording of a run
 */

/**
 * Sends requests of one kind to one API until the run has ended: over one connection, one at a time, at the rate of the
 * kind.
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
    const outcome = await send(api.url, { agent, token: kind.token(api.link), timeout: kind.timeout });
    recording.responses.push({ api, kind, phase, outcome, allowed: allowed(), took: performance.now() - started });
  }
  agent.destroy();
}

/** @param {string} url @param {{ agent: Agent, token: string, timeout: number }} options */
async function send(url, { agent, token, timeout }) {
  const signal = AbortSignal.timeout(timeout);
  const request = get(url, { agent, signal, headers: { authorization: `Bearer ${token}` } });
  try {
    const [response] = await once(request, "response");
    return describe(response, await text(response));
  } catch (error) {
    return `no response: ${String(error)}`;
  }
}

/**
 * Returns the status and the error code, and reports a missing part: the body of a 200 response, the challenge of a 401
 * response (RFC 6750 section 3), or the Retry-After header of a 503 response (RFC 9110 section 10.2.3).
 *
 * @param {import("node:http").IncomingMessage} response
 * @param {string} body
 */
function describe({ statusCode, headers }, body) {
  const code = headers[CODE_HEADER];
  const outcome = code === undefined ? `${statusCode}` : `${statusCode} ${String(code)}`;
  if (statusCode === 200 && body !== '{"client":"client-1"}') return `${outcome} without the client ID`;
  if (statusCode === 401 && !/error="invalid_token"/.test(headers["www-authenticate"] ?? ""))
    return `${outcome} without challenge`;
  if (statusCode === 503 && !/^[1-9]\d*$/.test(headers["retry-after"] ?? "")) return `${outcome} without Retry-After`;
  return outcome;
}
