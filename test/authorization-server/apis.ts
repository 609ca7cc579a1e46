import type { AccessTokenError, VerifierOptions } from "@certbound/core";
import { protectApi as protectExpress } from "@certbound/express";
import { protectApi as protectFastify } from "@certbound/fastify";
import { type CertificateAuthority, type RunningServer, startServer } from "@certbound/testing";
import express from "express";
import Fastify from "fastify";
import { createServer, type ServerOptions } from "node:https";

/** The options that protect an API, for either framework. */
export type Protection = VerifierOptions & { readonly onRejected: (error: AccessTokenError) => void };

/** Starts an API with one route, `/`, that returns the client ID, the certificate thumbprint and the token format. */
export type StartApi = (authority: CertificateAuthority, options: Protection) => Promise<RunningServer>;

/** The supported frameworks: [name, function that starts an API]. */
export const apis: readonly (readonly [string, StartApi])[] = [
  ["Express", startExpress],
  ["Fastify", startFastify],
];

async function startExpress(authority: CertificateAuthority, options: Protection): Promise<RunningServer> {
  const app = express();
  app.get("/", protectExpress(options)({ scopes: ["read"] }), (request, response) => {
    const { accessToken, claims } = request;
    const { clientCertificate, format } = accessToken;
    response.json({ client: claims.client_id, thumbprint: clientCertificate?.thumbprint, format });
  });
  return startServer(createServer(await tlsOf(authority), app));
}

async function startFastify(authority: CertificateAuthority, options: Protection): Promise<RunningServer> {
  const app = Fastify({ https: await tlsOf(authority) });
  app.get("/", { onRequest: protectFastify(options)({ scopes: ["read"] }) }, ({ accessToken, claims }) => ({
    client: claims.client_id,
    thumbprint: accessToken.clientCertificate?.thumbprint,
    format: accessToken.format,
  }));
  await app.ready();
  return startServer(app.server);
}

/** Accepts every client in the handshake, so that the API rejects requests. */
async function tlsOf(authority: CertificateAuthority): Promise<ServerOptions> {
  const { certificate: cert, key } = await authority.issueServerCertificate();
  return { cert, key, requestCert: true, rejectUnauthorized: false };
}
