import { X509Certificate } from "node:crypto";
import type { TLSSocket } from "node:tls";
import { type ClientCertificateResolver, protectApi } from "@certbound/fastify";
import Fastify, { type FastifyRequest } from "fastify";

// The issuer and the audience come from CERTBOUND_ISSUER and CERTBOUND_AUDIENCE.
const { SERVER_KEY: key, SERVER_CERTIFICATE: cert } = process.env;

const fastify = Fastify({ https: { key, cert, requestCert: true, rejectUnauthorized: false } });

const certificateResolver: ClientCertificateResolver<FastifyRequest> = async (request) => {
  const socket = request.raw.socket as TLSSocket;
  const certificate = socket.getPeerCertificate(true);
  if (!certificate?.raw) return "";
  return new X509Certificate(certificate.raw).toString();
};

const protect = protectApi({ certificateResolver });

fastify.get("/api/account", { onRequest: protect() }, async (request) => {
  const { claims } = request;
  return { subject: claims.sub, tenant: claims["tenant"] };
});

await fastify.ready();

export const { server } = fastify;
