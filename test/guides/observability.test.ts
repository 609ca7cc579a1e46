import { createVerifier } from "@certbound/core";
import {
  createCertificateAuthority,
  createIssuer,
  type Identity,
  mtlsRequest,
  type RunningServer,
  startServer,
  tamperSignature,
} from "@certbound/testing";
import { type Logger, pino } from "pino";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { setEnvironment } from "./environment.ts";
import { findLeaksOf } from "../secrecy/leaks.ts";
import { logDecisions } from "./observability-log.ts";

// The guide does not set a clock, so it and the issuer use the clock of this machine.
const [ca, issuer, stoppedIssuer] = await Promise.all([createCertificateAuthority(), createIssuer(), createIssuer()]);
const [host, client, thief] = await Promise.all([
  ca.issueServerCertificate(),
  ca.issueClientCertificate(),
  ca.issueClientCertificate(),
]);
await stoppedIssuer.close();
setEnvironment({ issuer, host });

/** A log and its lines. */
interface Log {
  readonly log: Logger;
  readonly lines: readonly string[];
  readonly entries: () => readonly Record<string, unknown>[];
}

function createLog(): Log {
  const lines: string[] = [];
  return {
    log: pino({ base: null }, { write: (line: string) => void lines.push(line) }),
    lines,
    entries: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>),
  };
}

const serverLog = createLog();
let api: RunningServer;
beforeAll(async () => {
  const { createApi } = await import("./observability-server.ts");
  api = await startServer(createApi(serverLog.log));
  // Fetches the keys.
  await request(good);
});
afterAll(async () => {
  await Promise.all([api.close(), issuer.close()]);
});

const [good, stranger] = await Promise.all([
  issuer.accessToken({ boundTo: client }),
  stoppedIssuer.accessToken({ boundTo: client }),
]);

async function request(token: string | undefined, identity: Identity = client): Promise<number> {
  const path = "/accounts?access_token=secret-in-the-query";
  const response = await mtlsRequest(`${api.url}${path}`, { ca: ca.certificate, identity, ...(token && { token }) });
  return response.status;
}

/** Sends two accepted requests, and three rejected ones: a thief, a forged token, no token. */
async function callApi(): Promise<void> {
  const statuses = [await request(good), await request(good), await request(good, thief)];
  statuses.push(await request(tamperSignature(good)), await request(undefined));
  expect(statuses).toEqual([200, 200, 401, 401, 401]);
}

const bound = { clientCertificate: client.certificate };

/** Causes the other decisions: an unavailable issuer, a reported binding, a failing callback. */
async function causeOtherDecisions(): Promise<void> {
  const unavailable = createVerifier({ issuer: stoppedIssuer.issuer, audience: stoppedIssuer.audience });
  await expect(unavailable.verify(stranger, bound)).rejects.toMatchObject({ code: "ERR_KEYS_UNAVAILABLE" });
  const verifier = createVerifier({ issuer: issuer.issuer, audience: issuer.audience });
  const reported = { clientCertificate: thief.certificate, validateCertificateBinding: "report-only" } as const;
  expect((await verifier.verify(good, reported)).binding).toBe("rejected");
  const failing = { ...bound, authorize: () => Promise.reject(new Error(`about ${good}`)) };
  await expect(verifier.verify(good, failing)).rejects.toThrow("authorize");
}

/** Finds values that must not appear in logs or metrics. */
const leaksIn = findLeaksOf({
  token: good,
  signature: good.split(".")[2] ?? "",
  payload: good.split(".")[1] ?? "",
  thumbprint: client.thumbprint,
  "thumbprint of the thief": thief.thumbprint,
  "the query": "secret-in-the-query",
});

describe("the log", () => {
  test("has a line for every rejection, with a level for its kind, and never a token", async () => {
    const { log, lines, entries } = createLog();
    onTestFinished(logDecisions(log));
    await callApi();
    await causeOtherDecisions();
    expect(entries().map(({ level, outcome, code }) => [level, outcome, code])).toEqual([
      [40, "rejected", "ERR_BINDING_MISMATCH"],
      [30, "rejected", "ERR_TOKEN_SIGNATURE"],
      [30, "rejected", "ERR_TOKEN_MISSING"],
      [50, "rejected", "ERR_KEYS_UNAVAILABLE"],
      [40, "reported", "ERR_BINDING_MISMATCH"],
      [50, "failed", undefined],
    ]);
    expect(entries()[0]).toMatchObject({ issuer: issuer.issuer, clientId: "client-1", detail: expect.any(String) });
    expect(leaksIn(lines.join(""))).toEqual([]);
  });

  test("has no more lines after it was stopped", async () => {
    const { log, lines } = createLog();
    logDecisions(log)();
    await request(undefined);
    expect(lines).toEqual([]);
  });

  test("written by onRejected has the rejections of its API", async () => {
    const before = serverLog.lines.length;
    await callApi();
    const entries = serverLog.entries().slice(before);
    const rejected = { level: 30, path: "/accounts", msg: "request rejected", detail: expect.any(String) };
    expect(entries).toMatchObject([
      { code: "ERR_BINDING_MISMATCH", ...rejected },
      { code: "ERR_TOKEN_SIGNATURE", ...rejected },
      { code: "ERR_TOKEN_MISSING", ...rejected },
    ]);
    expect(leaksIn(serverLog.lines.join(""))).toEqual([]);
  });
});
