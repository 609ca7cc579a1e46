import { createServer } from "node:https";
import { type AuthenticatedExpressRequest, protectApi, tlsCertificate } from "@certbound/express";
import express from "express";

// The issuer and the audience come from CERTBOUND_ISSUER and CERTBOUND_AUDIENCE.
const { SERVER_KEY: key, SERVER_CERTIFICATE: cert } = process.env;

const app = express();

// tlsCertificate is the default and can be omitted.
const protect = protectApi({ certificateResolver: (req) => tlsCertificate(req) });
app.use(protect({ validateCertificateBinding: true }));

// After protect(), so that the body of a rejected request is not read.
app.use(express.json());

app.get("/api/account", (req, res) => {
  const { claims } = req as AuthenticatedExpressRequest;
  res.json({ subject: claims.sub, tenant: claims["tenant"] });
});

export const server = createServer(
  { key, cert, requestCert: true, rejectUnauthorized: false, minVersion: "TLSv1.3" },
  app,
);
