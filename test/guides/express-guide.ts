import { X509Certificate } from "node:crypto";
import { createServer } from "node:https";
import type { TLSSocket } from "node:tls";
import { type AuthenticatedExpressRequest, type ClientCertificateResolver, protectApi } from "@certbound/express";
import express, { type Request } from "express";

// The issuer and the audience come from CERTBOUND_ISSUER and CERTBOUND_AUDIENCE.
const { SERVER_KEY: key, SERVER_CERTIFICATE: cert } = process.env;

const app = express();
app.use(express.json());

const certificateResolver: ClientCertificateResolver<Request> = async (req) => {
  const socket = req.socket as TLSSocket;
  const certificate = socket.getPeerCertificate(true);
  if (!certificate?.raw) return "";
  return new X509Certificate(certificate.raw).toString();
};

const protect = protectApi({ certificateResolver });
app.use(protect({ validateCertificateBinding: true }));

app.get("/api/account", (req, res) => {
  const { claims } = req as AuthenticatedExpressRequest;
  res.json({ subject: claims.sub, tenant: claims["tenant"] });
});

export const server = createServer({ key, cert, requestCert: true, rejectUnauthorized: false }, app);
