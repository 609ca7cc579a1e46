import { describe, expect, test } from "vitest";
import type { Framework } from "./api.ts";
import type { Attempt, Fields } from "./attempt.ts";
import { forgedFields, forgeries, type Front, secret } from "./front.ts";
import { expectAccepted, expectNotAccepted, expectRejected, expectTooLarge, type Outcome } from "./outcome.ts";
import type { Pki } from "./pki.ts";
import type { Route, Stage } from "./stage.ts";

const bothFrameworks: readonly Framework[] = ["Express", "Fastify"];
const tlsVersions = ["TLSv1.2", "TLSv1.3"] as const;
const keyTypes = ["rsa", "ec", "ed25519"] as const;
const victim = "ec";

/** Tests that every front has to pass. */
export function forwardingCases(stage: () => Stage, front: Front, frameworks = bothFrameworks): void {
  describe.each(frameworks)(`${front.name}, %s`, (framework) => {
    const route = { front, framework };
    const send = (attempt: Attempt): Promise<Outcome> => stage().send(route, attempt);
    certificateCases(front, send);
    sessionCases(front, send);
    forgeryCases(stage, route);
    connectionCases(stage, route);
    sizeCases(front, send);
  });
}

/** Tests a proxy that resumes TLS sessions. */
export function resumptionCases(stage: () => Stage, front: Front): void {
  describe.each(bothFrameworks)(`${front.name}, %s`, (framework) => {
    sessionCases(front, (attempt) => stage().send({ front, framework }, attempt));
  });
}

/** Tests certificates of different sizes. */
export function largeCertificateCases(stage: () => Stage, front: Front): void {
  describe.each(bothFrameworks)(`${front.name}, %s`, (framework) => {
    sizeCases(front, (attempt) => stage().send({ front, framework }, attempt));
  });
}

type Send = (attempt: Attempt) => Promise<Outcome>;

function certificateCases(front: Front, send: Send): void {
  const combinations = tlsVersions.flatMap((tlsVersion) => keyTypes.map((client) => [client, tlsVersion] as const));

  test.each(combinations)("accepts the %s client over %s only with the client's token", async (client, tlsVersion) => {
    expectAccepted(await send({ client, token: client, tlsVersion }), client);
    expectRejected(await send({ client, token: "thief", tlsVersion }), "ERR_BINDING_MISMATCH");
  });

  test.each(front.httpVersions)("accepts a client over HTTP/%s only with the client's token", async (httpVersion) => {
    expectAccepted(await send({ client: victim, token: victim, httpVersion }), victim);
    expectRejected(await send({ client: "thief", token: victim, httpVersion }), "ERR_BINDING_MISMATCH");
  });

  test("rejects a client without a certificate", async () => {
    expectRejected(await send({ token: victim }), "ERR_CERTIFICATE_MISSING");
  });

  test(`a self-signed certificate is ${front.selfSigned}`, async () => {
    const own = await send({ client: "selfSigned", token: "selfSigned" });
    const other = await send({ client: "selfSigned", token: victim });
    if (front.selfSigned === "rejected") return [own, other].forEach(expectNotAccepted);
    expectAccepted(own, "selfSigned");
    expectRejected(other, "ERR_BINDING_MISMATCH");
  });
}

function sessionCases({ resumes }: Front, send: Send): void {
  const name = resumes ? "a resumed session of %s" : "a session of %s that the proxy does not resume";

  test.each(tlsVersions)(`${name} has the certificate of its first connection`, async (tlsVersion) => {
    const { session } = await send({ client: victim, token: victim, tlsVersion });
    const own = await send({ client: victim, token: victim, tlsVersion, session });
    const other = await send({ client: victim, token: "thief", tlsVersion, session: own.session });
    expect([own.resumed, other.resumed]).toEqual([resumes, resumes]);
    expectAccepted(own, victim);
    expectRejected(other, "ERR_BINDING_MISMATCH");
  });

  test.each(tlsVersions)(`${name} has no certificate if its first connection had none`, async (tlsVersion) => {
    const { session } = await send({ token: victim, tlsVersion });
    expect(session).toBeDefined();
    const again = await send({ token: victim, tlsVersion, session });
    expect(again.resumed).toBe(resumes);
    expectRejected(again, "ERR_CERTIFICATE_MISSING");
  });
}

/** The ways to send a header with the victim's certificate. */
const forgeryVariants: Readonly<Record<string, (front: Front, pki: Pki) => Fields>> = {
  once: (front, { clients }) => forgedFields(front, clients[victim]).slice(0, 1),
  twice: (front, { clients }) =>
    forgedFields(front, clients[victim])
      .slice(0, 1)
      .flatMap((field) => [field, field]),
  "in upper case": (front, { clients }) =>
    forgedFields(front, clients[victim]).map(([name, value]) => [name.toUpperCase(), value]),
  "with underscores": (front, { clients }) =>
    forgedFields(front, clients[victim]).map(([name, value]) => [name.replaceAll("-", "_"), value]),
  "with all headers that the proxy sets": (front, { clients }) => [
    ...forgedFields(front, clients[victim]),
    [secret.header, "a-guess-that-is-as-long-as-a-real-secret"],
  ],
  "with the header names of all other formats": ({ format }, { clients }) =>
    Object.entries(forgeries)
      .filter(([name]) => name !== format.header)
      .map(([name, forge]) => [name, forge(clients[victim])]),
};

function forgeryCases(stage: () => Stage, route: Route): void {
  test.each(Object.entries(forgeryVariants))(
    "ignores the header that a client sends %s",
    async (_name, forgeHeaders) => {
      const { send, pki } = stage();
      const headers = forgeHeaders(route.front, pki);
      expectRejected(await send(route, { token: victim, headers }), "ERR_CERTIFICATE_MISSING");
      expectRejected(await send(route, { client: "thief", token: victim, headers }), "ERR_BINDING_MISMATCH");
      expectAccepted(await send(route, { client: "thief", token: "thief", headers }), "thief");
    },
  );
}

/** Some proxies treat every header that a client lists in `Connection` as hop-by-hop, and remove their own header. */
function connectionCases(stage: () => Stage, route: Route): void {
  const { format, verified, deletable } = route.front;
  const names = [format.header, ...Object.keys(verified), secret.header];
  test.each(names)("a client that lists %s in Connection cannot forge a certificate", async (name) => {
    const { send, pki } = stage();
    const connection = ["connection", `close, ${name}`] as const;
    const own = await send(route, { client: "thief", token: "thief", headers: [connection] });
    const headers = [connection, ...forgedFields(route.front, pki.clients[victim])];
    const stolen = await send(route, { client: "thief", token: victim, headers });
    if (deletable) {
      const code = name === format.header ? "ERR_CERTIFICATE_MISSING" : "ERR_CERTIFICATE_UNTRUSTED";
      expectRejected(own, code);
      expectRejected(stolen, code);
    } else {
      expectAccepted(own, "thief");
      expectRejected(stolen, "ERR_BINDING_MISMATCH");
    }
  });
}

function sizeCases({ tooLarge }: Front, send: Send): void {
  test("accepts a certificate of 6 KB only with the client's token", async () => {
    expectAccepted(await send({ client: "large", token: "large" }), "large");
    expectRejected(await send({ client: "large", token: victim }), "ERR_BINDING_MISMATCH");
  });

  test(`a certificate of 20 KB is ${tooLarge}`, async () => {
    const own = await send({ client: "tooLarge", token: "tooLarge" });
    const stolen = await send({ client: "tooLarge", token: victim });
    if (tooLarge === "rejected by Node") return expectTooLarge([own, stolen]);
    if (tooLarge === "accepted") expectAccepted(own, "tooLarge");
    else expectRejected(own, "ERR_CERTIFICATE_MISSING");
    expectRejected(stolen, tooLarge === "accepted" ? "ERR_BINDING_MISMATCH" : "ERR_CERTIFICATE_MISSING");
  });
}
