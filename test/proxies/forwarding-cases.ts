import { describe, expect, test } from "vitest";
import type { Framework } from "./api.ts";
import type { Attempt, Fields } from "./attempt.ts";
import { forgedFields, forgeries, type Front, secret } from "./front.ts";
import { expectAccepted, expectNothing, expectRejected, expectTooLarge, type Outcome } from "./outcome.ts";
import type { Pki } from "./pki.ts";
import type { Route, Stage } from "./stage.ts";

const bothFrameworks: readonly Framework[] = ["Express", "Fastify"];
const tlsVersions = ["TLSv1.2", "TLSv1.3"] as const;
const keyTypes = ["rsa", "ec", "ed25519"] as const;
const victim = "ec";

/** The cases that every front has to pass. */
export function forwardingCases(stage: () => Stage, front: Front, frameworks = bothFrameworks): void {
  describe.each(frameworks)(`${front.name}, %s`, (framework) => {
    const route = { front, framework };
    const ask = (attempt: Attempt): Promise<Outcome> => stage().ask(route, attempt);
    certificateCases(front, ask);
    sessionCases(front, ask);
    forgeryCases(stage, route);
    connectionCases(stage, route);
    sizeCases(front, ask);
  });
}

/** The cases of a proxy that resumes TLS sessions. */
export function resumptionCases(stage: () => Stage, front: Front): void {
  describe.each(bothFrameworks)(`${front.name}, %s`, (framework) => {
    sessionCases(front, (attempt) => stage().ask({ front, framework }, attempt));
  });
}

/** The cases of certificates of different sizes. */
export function roomCases(stage: () => Stage, front: Front): void {
  describe.each(bothFrameworks)(`${front.name}, %s`, (framework) => {
    sizeCases(front, (attempt) => stage().ask({ front, framework }, attempt));
  });
}

type Ask = (attempt: Attempt) => Promise<Outcome>;

function certificateCases(front: Front, ask: Ask): void {
  const combinations = tlsVersions.flatMap((tlsVersion) => keyTypes.map((client) => [client, tlsVersion] as const));

  test.each(combinations)("accepts the %s client over %s with its own token only", async (client, tlsVersion) => {
    expectAccepted(await ask({ client, token: client, tlsVersion }), client);
    expectRejected(await ask({ client, token: "thief", tlsVersion }), "ERR_BINDING_MISMATCH");
  });

  test.each(front.httpVersions)("accepts a client over HTTP/%s with its own token only", async (httpVersion) => {
    expectAccepted(await ask({ client: victim, token: victim, httpVersion }), victim);
    expectRejected(await ask({ client: "thief", token: victim, httpVersion }), "ERR_BINDING_MISMATCH");
  });

  test("rejects a client without a certificate", async () => {
    expectRejected(await ask({ token: victim }), "ERR_CERTIFICATE_MISSING");
  });

  test(`a self-signed certificate is ${front.selfSigned}`, async () => {
    const own = await ask({ client: "selfSigned", token: "selfSigned" });
    const other = await ask({ client: "selfSigned", token: victim });
    if (front.selfSigned === "rejected") return [own, other].forEach(expectNothing);
    expectAccepted(own, "selfSigned");
    expectRejected(other, "ERR_BINDING_MISMATCH");
  });
}

function sessionCases({ resumes }: Front, ask: Ask): void {
  const name = resumes ? "a resumed session of %s" : "a session of %s that is offered and not resumed";

  test.each(tlsVersions)(`${name} has the certificate that it began with`, async (tlsVersion) => {
    const { session } = await ask({ client: victim, token: victim, tlsVersion });
    const own = await ask({ client: victim, token: victim, tlsVersion, session });
    const other = await ask({ client: victim, token: "thief", tlsVersion, session: own.session });
    expect([own.resumed, other.resumed]).toEqual([resumes, resumes]);
    expectAccepted(own, victim);
    expectRejected(other, "ERR_BINDING_MISMATCH");
  });

  test.each(tlsVersions)(`${name} has no certificate if it began without one`, async (tlsVersion) => {
    const { session } = await ask({ token: victim, tlsVersion });
    expect(session).toBeDefined();
    const again = await ask({ token: victim, tlsVersion, session });
    expect(again.resumed).toBe(resumes);
    expectRejected(again, "ERR_CERTIFICATE_MISSING");
  });
}

/** The ways in which a thief sends the header with the victim's certificate. */
const spellings: Readonly<Record<string, (front: Front, pki: Pki) => Fields>> = {
  once: (front, { clients }) => forgedFields(front, clients[victim]).slice(0, 1),
  twice: (front, { clients }) =>
    forgedFields(front, clients[victim])
      .slice(0, 1)
      .flatMap((field) => [field, field]),
  "in upper case": (front, { clients }) =>
    forgedFields(front, clients[victim]).map(([name, value]) => [name.toUpperCase(), value]),
  "with underscores": (front, { clients }) =>
    forgedFields(front, clients[victim]).map(([name, value]) => [name.replaceAll("-", "_"), value]),
  "with all that the proxy sets": (front, { clients }) => [
    ...forgedFields(front, clients[victim]),
    [secret.header, "a-guess-that-is-as-long-as-a-real-secret"],
  ],
  "under the names of all other formats": ({ format }, { clients }) =>
    Object.entries(forgeries)
      .filter(([name]) => name !== format.header)
      .map(([name, forge]) => [name, forge(clients[victim])]),
};

function forgeryCases(stage: () => Stage, route: Route): void {
  test.each(Object.entries(spellings))("ignores the header that a client sends %s", async (_name, spell) => {
    const { ask, pki } = stage();
    const headers = spell(route.front, pki);
    expectRejected(await ask(route, { token: victim, headers }), "ERR_CERTIFICATE_MISSING");
    expectRejected(await ask(route, { client: "thief", token: victim, headers }), "ERR_BINDING_MISMATCH");
    expectAccepted(await ask(route, { client: "thief", token: "thief", headers }), "thief");
  });
}

/** Some proxies take what a client names in `Connection` for a header of that connection, and remove their own. */
function connectionCases(stage: () => Stage, route: Route): void {
  const { format, verified, deletable } = route.front;
  const names = [format.header, ...Object.keys(verified), secret.header];
  test.each(names)("a client that names %s in Connection gains nothing", async (name) => {
    const { ask, pki } = stage();
    const connection = ["connection", `close, ${name}`] as const;
    const own = await ask(route, { client: "thief", token: "thief", headers: [connection] });
    const headers = [connection, ...forgedFields(route.front, pki.clients[victim])];
    const stolen = await ask(route, { client: "thief", token: victim, headers });
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

function sizeCases({ tooLarge }: Front, ask: Ask): void {
  test("accepts a certificate of 6 KB with its own token only", async () => {
    expectAccepted(await ask({ client: "large", token: "large" }), "large");
    expectRejected(await ask({ client: "large", token: victim }), "ERR_BINDING_MISMATCH");
  });

  test(`a certificate of 20 KB is ${tooLarge}`, async () => {
    const own = await ask({ client: "tooLarge", token: "tooLarge" });
    const stolen = await ask({ client: "tooLarge", token: victim });
    if (tooLarge === "too much for Node") return expectTooLarge([own, stolen]);
    if (tooLarge === "accepted") expectAccepted(own, "tooLarge");
    else expectRejected(own, "ERR_CERTIFICATE_MISSING");
    expectRejected(stolen, tooLarge === "accepted" ? "ERR_BINDING_MISMATCH" : "ERR_CERTIFICATE_MISSING");
  });
}
