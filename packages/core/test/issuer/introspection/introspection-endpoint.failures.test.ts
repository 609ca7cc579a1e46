import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { gzipSync } from "node:zlib";
import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { MAX_BODY } from "../../../src/issuer/issuer-request.ts";
import { httpRejection } from "../../../src/http/rejection.ts";
import { createVerifier } from "../../../src/verifier.ts";
import { secret, startIntrospectionEndpoint } from "../../support/introspection-endpoint.ts";
import {
  type Responder,
  endless,
  hangUp,
  json,
  redirect,
  silent,
  stalled,
  startEndpoint,
  status,
  text,
} from "../../support/endpoint.ts";
import { outcomeOf, rejectionOf } from "../../support/outcome.ts";
import { shortenTimeouts } from "../../support/timeouts.ts";
import { client } from "../../support/verification.ts";

const MARKER = "MARKER";

/** The introspection response for a token of the test's client. */
const good = { active: true, cnf: { "x5t#S256": client.thumbprint }, sub: MARKER };

const events: unknown[] = [];
const listener = (event: unknown): unknown => events.push(event);
beforeEach(() => {
  events.length = 0;
  subscribe("certbound:introspection", listener);
});
afterEach(() => {
  unsubscribe("certbound:introspection", listener);
});

/** Creates a verification of a token that is introspected at an endpoint. */
function verificationAt(endpoint: string, token = `token-${MARKER}`): () => Promise<unknown> {
  const introspection = { ...secret, clientSecret: `secret-${MARKER}`, endpoint };
  const verifier = createVerifier({ issuer: "https://as.example", audience: null, introspection });
  return () => verifier.verify(token, { clientCertificate: client.certificate });
}

/** Expects a 503 rejection that does not quote data that was sent or received. */
async function expectUnavailable(verify: () => Promise<unknown>): Promise<void> {
  const error = await rejectionOf(verify());
  expect(error.code).toBe("ERR_INTROSPECTION_UNAVAILABLE");
  const rejection = httpRejection(error);
  expect(rejection.status).toBe(503);
  expect(Object.keys(rejection.headers).map((name) => name.toLowerCase())).not.toContain("www-authenticate");
  expect(rejection.headers).toMatchObject({ "Retry-After": "1" });
  expect(events.at(-1)).toMatchObject({ issuer: "https://as.example", outcome: "unavailable" });
  expect(inspect([error, error.cause, rejection, events], { depth: 9, showHidden: true })).not.toContain(MARKER);
}

/** Creates a response with a body and headers. */
function raw(body: string | Buffer, headers: Readonly<Record<string, string | number>>, code = 200): Responder {
  return (response) => {
    response.writeHead(code, headers).end(body);
  };
}

const type = { "content-type": "application/json" };

/** Closes the connection in the middle of a good response. */
const broken: Responder = (response) => {
  const body = JSON.stringify(good);
  response.writeHead(200, { ...type, "content-length": body.length });
  response.write(body.slice(0, -9), () => response.destroy());
};

const failures: readonly (readonly [string, Responder])[] = [
  ["HTML", text(`<html>${MARKER}`, "text/html")],
  ["an empty body", text("", "application/json")],
  ["malformed JSON", text(`{"active":true,${MARKER}`, "application/json")],
  ["JSON and additional text", text(`${JSON.stringify(good)}x`, "application/json")],
  ["a list", json([good])],
  ["null", json(null)],
  ["true", json(true)],
  ["a string", json(MARKER)],
  ["an empty object", json({})],
  ["a response without active", json({ ...good, active: undefined })],
  ...["true", "false", MARKER, 1, 0, null, [true], { true: true }].map((active): [string, Responder] => [
    `a response with active ${JSON.stringify(active)}`,
    json({ ...good, active }),
  ]),
  ...[201, 202, 203, 206, 300, 304, 400, 401, 403, 404, 429, 500, 502, 503].map((code): [string, Responder] => [
    `a good response with status ${code}`,
    status(code, good),
  ]),
  ["an OAuth error", status(400, { error: "invalid_request", error_description: MARKER })],
  ["a challenge", raw(JSON.stringify(good), { ...type, "www-authenticate": `Basic realm="${MARKER}"` }, 401)],
  ["a closed connection", hangUp],
  ["half a response", broken],
  ["a body that is not compressed as declared", raw(JSON.stringify(good), { ...type, "content-encoding": "gzip" })],
  ["an endless body", endless],
  ["a response of more than 1 MiB", json({ ...good, padding: " ".repeat(MAX_BODY) })],
  [
    "a response of more than 1 MiB after decompression",
    raw(gzipSync(JSON.stringify({ ...good, padding: " ".repeat(MAX_BODY) })), { ...type, "content-encoding": "gzip" }),
  ],
];

describe("introspection", () => {
  test.each(failures)("rejects with 503 if the response is %s (7662-03)", async (_name, failure) => {
    const { url, respondWith } = await startIntrospectionEndpoint(failure);
    const verify = verificationAt(url);
    await expectUnavailable(verify);
    respondWith(json(good));
    expect(await outcomeOf(verify())).toBe("accepted");
  });

  test.each([301, 302, 303, 307, 308])("does not follow a redirect with status %d (N-07)", async (code) => {
    const target = await startIntrospectionEndpoint(json(good));
    const { url } = await startIntrospectionEndpoint(redirect(`${target.url}/${MARKER}`, code));
    await expectUnavailable(verificationAt(url));
    expect(target.requests).toEqual([]);
    expect(await outcomeOf(verificationAt(target.url)())).toBe("accepted");
  });

  test("rejects with 503 if the response is not complete after 5 s", async () => {
    const [silentServer, stalledServer] = [await startEndpoint(silent), await startEndpoint(stalled)];
    const limits = shortenTimeouts();
    const started = performance.now();
    await Promise.all([silentServer, stalledServer].map(({ url }) => expectUnavailable(verificationAt(url))));
    expect(performance.now() - started).toBeGreaterThanOrEqual(49);
    expect(limits).toEqual([5000, 5000]);
  });

  test("rejects with 503 if the connection fails", async () => {
    const { url, close } = await startIntrospectionEndpoint(json(good));
    await close();
    await expectUnavailable(verificationAt(url));
  });

  test("rejects an inactive response, and caches an active one", async () => {
    const { url, respondWith, recordedRequests } = await startIntrospectionEndpoint(json({ ...good, active: false }));
    expect(await outcomeOf(verificationAt(url)())).toBe("ERR_TOKEN_INACTIVE");
    respondWith(json(good));
    const verify = verificationAt(url);
    expect([await outcomeOf(verify()), await outcomeOf(verify())]).toEqual(["accepted", "accepted"]);
    expect(recordedRequests).toHaveLength(2);
  });
});
