import { AccessTokenError, type AccessTokenErrorCode } from "@certbound/core";
import type { RunningServer } from "@certbound/testing";
import { channel } from "node:diagnostics_channel";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Backend, ProtectedRoute } from "../adapters/backend.ts";
import { openConnection, type Reply } from "../adapters/connection.ts";
import { expressBackends } from "../adapters/express-backends.ts";
import { fastifyBackends } from "../adapters/fastify-backends.ts";
import { nodeBackends } from "../adapters/node-backends.ts";
import { everythingOf, findLeaksOf } from "./leaks.ts";
import { captureOutput, channels } from "./captured-output.ts";
import { createPlanted, type Planted } from "./planted.ts";
import { type RejectedRequest, rejections, ROUTE_SCOPE } from "./rejections.ts";

const planted: Planted = await createPlanted();
afterAll(planted.close);
const captured = captureOutput();
const findPlanted = findLeaksOf(planted.secrets);

/** Returns the planted secrets and the parts of this token that the texts contain. */
function leaksIn(texts: readonly string[], token: string): readonly string[] {
  const parts = token.split(".").filter((part) => part.length > 12);
  const all = texts.join("\n");
  return [...findPlanted(all), ...findLeaksOf(Object.fromEntries(parts.map((part) => ["the token", part])))(all)];
}

const codes = Object.keys(rejections) as readonly AccessTokenErrorCode[];
const goodToken = await planted.token();
const tokenOf = async ({ token }: RejectedRequest): Promise<string> => (await token?.(planted)) ?? goodToken;

test("every error code has a rejected request", () => {
  const source = readFileSync(new URL("../../packages/core/src/errors.ts", import.meta.url), "utf8");
  const table = [...source.matchAll(/^ {2}(ERR_\w+): \[/gm)].map(([, code]) => code);
  expect(new Set(codes)).toEqual(new Set(table));
  expect(channels).toContain("certbound:introspection");
});

describe("verify()", () => {
  const verifierCodes = codes.filter((code) => rejections[code].certificate !== "none");

  test.each(verifierCodes)("reveals no secret in %s", async (code) => {
    const rejected = rejections[code];
    const { certificate = ({ client }) => client.certificate, verifier = "keys", requirements } = rejected;
    const token = await tokenOf(rejected);
    const clientCertificate = certificate === "none" ? null : certificate(planted);
    const error: unknown = await planted.verifiers[verifier]
      .verify(token, { ...(requirements as object), clientCertificate })
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: "AccessTokenError", code });
    expect(leaksIn([everythingOf(error), captured.take()], token)).toEqual([]);
  });

  test("reveals the error of a callback only as the cause", async () => {
    const thrown = new Error(String(planted.secrets["email"]));
    const options = { clientCertificate: planted.client.certificate, authorize: () => Promise.reject(thrown) };
    const error: unknown = await planted.verifiers.keys.verify(goodToken, options).catch((reason: unknown) => reason);
    // The application is responsible for its error.
    expect((error as Error).cause).toBe(thrown);
    expect(leaksIn([String(error), captured.take()], goodToken)).toEqual([]);
  });
});

// Not shuffled: the last tests check the events of the others.
describe("every adapter", { shuffle: false }, () => {
  const backends: readonly Backend[] = [
    ...nodeBackends.slice(0, 1),
    ...expressBackends.slice(0, 1),
    ...fastifyBackends.slice(0, 1),
  ];

  describe.each(backends.map((backend) => [backend.name, backend] as const))("%s", (_name, backend) => {
    const errors: AccessTokenError[] = [];
    let api: RunningServer;

    beforeAll(async () => {
      const onRejected = (error: AccessTokenError): void => void errors.push(error);
      const route = (
        path: string,
        { verifier = "keys", requirements = {}, proxy }: RejectedRequest,
      ): ProtectedRoute => ({
        path,
        requirements,
        options: {
          verifier: planted.verifiers[verifier],
          onRejected,
          ...(proxy && { certificateResolver: planted.proxied }),
        },
        onHandled: () => {},
      });
      const routes = codes.map((code) => route(`/${code}`, rejections[code]));
      api = await backend.start(
        [...routes, ...acceptedRequests.map(([path, request]) => route(path, request))],
        planted.tls,
      );
    });
    afterAll(() => api.close());

    const send = async (path: string, { presents = "client", fields, proxy }: RejectedRequest, token: string) => {
      const identity = presents === "none" ? undefined : planted[presents];
      const connection = openConnection(api.url, { ca: planted.ca, identity, httpVersion: 1 });
      const sent = [
        ...(fields?.(token) ?? [["authorization", `Bearer ${token}`] as const]),
        ...(proxy?.(planted) ?? []),
      ];
      const reply = await connection.send({ path, method: "GET", fields: sent, body: undefined });
      connection.close();
      return reply;
    };
    const textOf = ({ headers, body }: Reply): string => `${JSON.stringify(headers)}\n${body}`;

    test.each(codes)("reveals no secret in %s", async (code) => {
      const token = await tokenOf(rejections[code]);
      const reply = await send(`/${code}`, rejections[code], token);
      const error = errors.pop();
      expect(error).toMatchObject({ code });
      expect(leaksIn([textOf(reply), everythingOf(error), captured.take()], token)).toEqual([]);
      // Only these challenges contain the requirement of the route.
      const containsRequirement = code === "ERR_SCOPE_INSUFFICIENT" || code === "ERR_AUTHENTICATION_INSUFFICIENT";
      expect(textOf(reply).includes(ROUTE_SCOPE)).toBe(containsRequirement);
      expect(textOf(reply)).not.toContain(error?.detail);
    });

    test.each(acceptedRequests)("reveals no secret of an accepted request: %s", async (path, request) => {
      const token = await tokenOf(request);
      // The application sends the response.
      expect(await send(path, request, token)).toMatchObject({ status: 200 });
      expect(leaksIn([captured.take()], token)).toEqual([]);
    });
  });

  const acceptedRequests: readonly (readonly [string, RejectedRequest])[] = [
    ["/jwt", {}],
    ["/opaque", { verifier: "introspecting", token: ({ opaqueToken }) => opaqueToken() }],
    ["/proxied", { proxy: ({ proxyFields, client }) => proxyFields(client.certificate) }],
  ];

  interface PublishedEvent {
    readonly outcome: string;
    readonly code?: string;
    readonly clientId?: string;
  }

  test("every decision and every introspection outcome has been published", () => {
    const events = captured.events as readonly PublishedEvent[];
    expect(new Set(events.map(({ outcome }) => outcome))).toEqual(
      new Set(["accepted", "rejected", "failed", "active", "inactive", "unavailable"]),
    );
    const published = new Set(events.map(({ code }) => code));
    for (const code of codes) expect(published).toContain(code);
  });

  test("events contain the client only for tokens with a verified signature", () => {
    const events = captured.events as readonly PublishedEvent[];
    const clients = (code: string | undefined, outcome = "rejected") =>
      new Set(
        events.filter((event) => event.code === code && event.outcome === outcome).map(({ clientId }) => clientId),
      );
    expect(clients(undefined, "accepted")).toContain(planted.secrets["client_id"]);
    expect(clients("ERR_SCOPE_INSUFFICIENT")).toEqual(new Set([planted.secrets["client_id"]]));
    expect(clients("ERR_TOKEN_SIGNATURE")).toEqual(new Set([undefined]));
    expect(clients("ERR_TOKEN_KEY_UNKNOWN")).toEqual(new Set([undefined]));
  });
});

describe("a leak is detected", () => {
  const { secrets, client } = planted;
  const kid = String(secrets["kid"]);
  const digest = Buffer.from(client.thumbprint, "base64url");

  test.each<[string, string, () => unknown]>([
    ["kid", "in a detail", () => new AccessTokenError("ERR_TOKEN_KEY_UNKNOWN", { detail: `no key has ${kid}` })],
    ["kid", "in upper case", () => kid.toUpperCase()],
    [
      "kid",
      "in an error's payload",
      () => new Error("x", { cause: Object.assign(new Error("y"), { payload: { kid } }) }),
    ],
    ["kid", "in a hidden member", () => Object.defineProperty({}, "hidden", { value: { deep: { deeper: [kid] } } })],
    ["kid", "in a URL", () => `https://issuer.example/?kid=${encodeURIComponent(kid)}`],
    ["kid", "in base64, at any offset", () => Buffer.from(`ab${kid}cd`).toString("base64")],
    ["kid", "in base64url", () => Buffer.from(`a${kid}`).toString("base64url")],
    ["thumbprint of the client", "as in a claim", () => ({ cnf: { "x5t#S256": client.thumbprint } })],
    [
      "thumbprint of the client",
      "as a fingerprint",
      () =>
        digest
          .toString("hex")
          .toUpperCase()
          .replaceAll(/..(?=.)/g, "$&:"),
    ],
    ["certificate of the client", "as base64", () => Buffer.from(client.der).toString("base64")],
    [
      "client secret, as it is sent",
      "in a header",
      () => ({
        authorization: `Basic ${Buffer.from(String(secrets["client secret, as it is sent"])).toString("base64")}`,
      }),
    ],
  ])("%s, %s", (secret, _where, leak) => {
    expect(leaksIn([everythingOf(leak())], goodToken)).toContain(secret);
  });

  test("the token, in a log, on stderr and in an event", () => {
    captured.take();
    console.debug("a line of a log", { token: goodToken });
    expect(leaksIn([captured.take()], goodToken)).toContain("the token");
    process.stderr.write(`${goodToken}\n`);
    expect(leaksIn([captured.take()], goodToken)).toContain("the token");
    channel("certbound:introspection").publish({ outcome: "active", detail: goodToken.split(".")[2] });
    expect(leaksIn([captured.take()], goodToken)).toEqual(["the token"]);
  });
});
