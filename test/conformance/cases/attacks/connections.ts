import { certificateRules } from "@certbound/core";
import { protectApi } from "@certbound/express";
import { mtlsRequest, startServer } from "@certbound/testing";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, type IncomingHttpHeaders } from "node:http2";
import { createServer } from "node:https";
import { expect } from "vitest";
import type { Backend } from "../../../adapters/backend.ts";
import { expressBackends } from "../../../adapters/express-backends.ts";
import { fastifyBackends } from "../../../adapters/fastify-backends.ts";
import { expressVersions } from "../../../helpers/express-versions.ts";
import { expectRejected } from "../../responses.ts";
import { conforms, type ConformanceCase } from "../../conformance-case.ts";
import { startOwnApi } from "../../own-api.ts";
import { sendRawRequest } from "../../raw-request.ts";
import { NOW, type Scene } from "../../scene.ts";
import { verifierOf } from "../../verification.ts";

export const cases: readonly ConformanceCase[] = [
  ...(["TLSv1.2", "TLSv1.3"] as const).map((tlsVersion) =>
    conforms("S-01", `rejects a token on a resumed ${tlsVersion} session without a certificate`, async (stage) => {
      const { scene, servers } = stage;
      const ca = scene.ca.certificate;
      for (const { url, routeOf } of servers) {
        const address = `${url}${routeOf().path}`;
        const send = (options: object) => mtlsRequest(address, { ca, tlsVersion, token: scene.token(), ...options });
        const bound = await send({ identity: scene.own });
        const resumedBound = await send({ identity: scene.own, session: bound.tls.session });
        const bare = await send({});
        const resumed = await send({ session: bare.tls.session });
        expect([bound.status, resumedBound.status, resumedBound.tls.sessionReused]).toEqual([200, 200, true]);
        expectRejected(resumed, "ERR_CERTIFICATE_MISSING");
        expect(resumed.tls.sessionReused).toBe(true);
      }
    }),
  ),
  conforms("S-01", "rejects a token on a resumed HTTP/2 session without a certificate", async ({ scene }) => {
    const { own, ca } = scene;
    const api = await startOwnApi(backendOf(2), verifierOf({ jwks: scene.jwks }), { ca });
    const send = (options: object) =>
      mtlsRequest(`${api.url}/api`, { ca: ca.certificate, httpVersion: 2, token: scene.token(), ...options });
    const bound = await send({ identity: own });
    const resumedBound = await send({ identity: own, session: bound.tls.session });
    const bare = await send({});
    const resumed = await send({ session: bare.tls.session });
    await api.close();
    expect([bound.status, resumedBound.status, resumedBound.tls.sessionReused]).toEqual([200, 200, true]);
    expectRejected(resumed, "ERR_CERTIFICATE_MISSING");
    expect([resumed.tls.sessionReused, api.codes]).toEqual([
      true,
      ["ERR_CERTIFICATE_MISSING", "ERR_CERTIFICATE_MISSING"],
    ]);
  }),
  conforms(
    "S-05",
    "rejects a certificate that expires on an open connection if the policy requires validity",
    async (stage) => {
      const { ca, jwks, token } = stage.scene;
      const expiring = await ca.issueClientCertificate({ notAfter: new Date((NOW + 60) * 1000) });
      const authorization = `Bearer ${token({ claims: { cnf: { "x5t#S256": expiring.thumbprint } } })}`;
      let now = NOW;
      const clock = () => now * 1000;
      const certificatePolicy = certificateRules({ currentlyValid: true });
      const checking = await startOwnApi(backendOf(2), verifierOf({ jwks, clock, certificatePolicy }), { ca });
      const notChecking = await startOwnApi(backendOf(2), verifierOf({ jwks, clock }), { ca });
      const sessions = [checking, notChecking].map(({ url }) =>
        connect(url, { ca: ca.certificate, servername: "localhost", cert: expiring.certificate, key: expiring.key }),
      );
      const statuses = async () =>
        Promise.all(
          sessions.map(async (session) => {
            const stream = session.request({ ":path": "/api", authorization });
            const [headers] = (await once(stream, "response")) as [IncomingHttpHeaders];
            return headers[":status"];
          }),
        );
      const before = await statuses();
      now = NOW + 61;
      const after = await statuses();
      for (const session of sessions) session.destroy();
      await Promise.all([checking.close(), notChecking.close()]);
      expect([before, after, checking.codes]).toEqual([[200, 200], [401, 200], ["ERR_CERTIFICATE_UNTRUSTED"]]);
    },
  ),
  ...(["TLSv1.2", "TLSv1.3"] as const).map((tlsVersion) =>
    conforms("S-02", `uses the certificate of a ${tlsVersion} session that began at another host`, async (stage) => {
      const { scene } = stage;
      const { ca, own, other } = scene;
      // Two hosts that share their ticket keys, like the hosts of one server; the first accepts every client.
      const ticketKeys = randomBytes(48);
      const api = await startOwnApi(backendOf(1), verifierOf({ jwks: scene.jwks }), { ca, ticketKeys });
      const openHost = await startOpenHost(scene, ticketKeys);
      const token = scene.token();
      const outcomes: unknown[] = [];
      for (const identity of [own, other, undefined]) {
        const client = { ca: ca.certificate, tlsVersion, token, ...(identity && { identity }) };
        const { session = Buffer.alloc(0) } = (await mtlsRequest(openHost.url, client)).tls;
        // The certificate that the client holds now is ignored: the session identifies the client.
        const resumed = await mtlsRequest(`${api.url}/api`, { ...client, identity: own, session });
        outcomes.push([resumed.tls.sessionReused, resumed.status]);
      }
      await Promise.all([api.close(), openHost.close()]);
      expect(outcomes).toEqual([
        [true, 200],
        [true, 401],
        [true, 401],
      ]);
      expect(api.codes).toEqual(["ERR_BINDING_MISMATCH", "ERR_CERTIFICATE_MISSING"]);
    }),
  ),
  conforms("S-03", "uses the certificate of the connection for a request for another host", async (stage) => {
    const { scene, servers } = stage;
    const { ca, own, other } = scene;
    for (const { url, routeOf } of servers) {
      const { path } = routeOf();
      for (const host of ["localhost", "public.example", "api.example:8443"]) {
        const text = [
          `GET ${path} HTTP/1.1`,
          `Host: ${host}`,
          "Connection: close",
          `Authorization: Bearer ${scene.token()}`,
          "\r\n",
        ].join("\r\n");
        const send = (client: object) => sendRawRequest(url, { ca: ca.certificate, text, ...client });
        expect((await send({ identity: own })).status).toBe(200);
        expectRejected(await send({ identity: other }), "ERR_BINDING_MISMATCH");
        expectRejected(await send({}), "ERR_CERTIFICATE_MISSING");
      }
    }
  }),
  conforms(
    "S-03",
    "uses the certificate of the shared connection for HTTP/2 requests for several hosts",
    async ({ scene }) => {
      const { ca, own } = scene;
      const api = await startOwnApi(backendOf(2), verifierOf({ jwks: scene.jwks }), { ca });
      const authorization = `Bearer ${scene.token()}`;
      const statuses = async (client: object) => {
        const session = connect(api.url, { ca: ca.certificate, servername: "localhost", ...client });
        const send = async (authority: string) => {
          const stream = session.request({ ":path": "/api", ":authority": authority, authorization });
          const [headers] = (await once(stream, "response")) as [IncomingHttpHeaders];
          return headers[":status"];
        };
        const all = [await send("localhost"), await send("public.example"), await send("api.example")];
        session.destroy();
        return all;
      };
      const bound = await statuses({ cert: own.certificate, key: own.key });
      const bare = await statuses({});
      await api.close();
      expect([bound, bare]).toEqual([
        [200, 200, 200],
        [401, 401, 401],
      ]);
      expect(new Set(api.codes)).toEqual(new Set(["ERR_CERTIFICATE_MISSING"]));
    },
  ),
  conforms(
    "S-04",
    "rejects every bound token at a server that does not request certificates, and states the cause",
    async (stage) => {
      const { scene } = stage;
      const { ca, own } = scene;
      const [[, express]] = expressVersions as [(typeof expressVersions)[number]];
      const { key, certificate: cert } = await ca.issueServerCertificate();
      const statuses: number[] = [];
      const details: (string | undefined)[] = [];
      for (const requestCert of [true, false]) {
        const app = express();
        const onRejected = ({ detail }: { readonly detail?: string }) => details.push(detail);
        app.use(protectApi({ verifier: verifierOf({ jwks: scene.jwks }), onRejected })(), (_request, response) => {
          response.json({});
        });
        const { url, close } = await startServer(
          createServer({ key, cert, requestCert, rejectUnauthorized: false }, app),
        );
        const request = { ca: ca.certificate, identity: own, token: scene.token() };
        statuses.push((await mtlsRequest(url, request)).status);
        await close();
      }
      expect(statuses).toEqual([200, 401]);
      expect(details).toEqual([expect.stringContaining("requestCert")]);
    },
  ),
];

function backendOf(httpVersion: 1 | 2): Backend {
  const backend = [...expressBackends, ...fastifyBackends].find((candidate) => candidate.httpVersion === httpVersion);
  if (backend === undefined) throw new Error(`No adapter is tested over HTTP/${httpVersion}`);
  return backend;
}

/** Starts a host that requests certificates, and accepts every client. */
async function startOpenHost({ ca }: Scene, ticketKeys: Buffer): ReturnType<typeof startServer> {
  const { key, certificate: cert } = await ca.issueServerCertificate();
  const tls = { key, cert, ticketKeys, requestCert: true, rejectUnauthorized: false };
  return startServer(createServer(tls, (_request, response) => response.end("welcome")));
}
