// Accounts and payments of two tenants. The token of a request must be bound to its certificate and have the scope of the
// route. Token, certificate and account must belong to the same tenant. A large payment, or several payments that are
// large in total, also require a recent, strong login.

import { certificateRules, protectApi } from "@certbound/express";
import express from "express";
import { constants } from "node:crypto";
import { STATUS_CODES } from "node:http";
import { createServer } from "node:https";
import { createAccounts } from "./accounts.js";
import { createAudit } from "./audit.js";
import { createLimits } from "./limits.js";
import { createTenants } from "./tenants.js";

const LARGE = 100_000; // cents
const DAY = 24 * 60 * 60 * 1000;

/**
 * Creates the API. `ca` is the certificate of the CA that issues the tenants' certificates, `log` is called with one line at a
 * time, and `now` is the clock of the limits.
 */
export function createApi({ key, cert, issuer, ca, log, now = Date.now }) {
  const tenants = createTenants({ ca });
  const audit = createAudit({ log, tenants });
  const accounts = createAccounts();
  const limits = createLimits({ maxSum: LARGE - 1, maxPayments: 20, windowMs: DAY, now });
  const protect = protectApi({
    issuer,
    audience: "https://api.bank.example",
    profile: "rfc9068",
    // The tenant in the token (from the issuer) must match the tenant of the certificate (from our CA).
    // chainVerified: OpenSSL checks more than the `issuers` rule in tenants.js, for example name constraints.
    certificatePolicy: certificateRules({
      chainVerified: true,
      currentlyValid: true,
      tenant: { resolve: tenants.ofCertificate, claim: "tenant_id" },
    }),
    onRejected: audit.rejected,
  });
  // Rejects an account of another tenant in the same way as one that does not exist.
  const owns = (accessToken, number) => {
    const account = accounts.find(number);
    return account !== undefined && account.tenant === tenants.ofToken(accessToken);
  };

  const app = express();

  app.get("/accounts", protect({ scopes: ["accounts:read"] }), (request, response) => {
    audit.done("list accounts", request);
    response.json(accounts.ofTenant(tenants.ofToken(request.accessToken)));
  });

  const readOwn = protect({
    scopes: ["accounts:read"],
    authorize: (accessToken, request) => owns(accessToken, request.params.number),
  });
  app.get("/accounts/:number", readOwn, (request, response) => {
    audit.done(`read ${request.params.number}`, request);
    response.json(accounts.find(request.params.number));
  });

  // Checks the scope, then the body, then the account and the login. The signature is verified once.
  const mayPay = protect({ scopes: ["payments:write"] });
  const ownsDebtor = protect({ authorize: (accessToken, request) => owns(accessToken, request.body.from) });
  const strongLogin = protect({ acrValues: ["urn:bank.example:strong"], maxAge: 300 }); // RFC 9470
  const strongLoginIfLarge = (request, response, next) => {
    const { from, amount } = request.body;
    response.locals.booking = limits.book(from, amount);
    if (response.locals.booking === undefined) strongLogin(request, response, next);
    else next();
  };
  const checks = [mayPay, express.json({ limit: "1kb" }), requirePayment, ownsDebtor, strongLoginIfLarge];
  app.post("/payments", checks, (request, response) => {
    const { from, to, amount } = request.body;
    const cancel = () => limits.cancel(from, response.locals.booking);
    if (!accounts.canPay({ from, to, amount })) {
      cancel();
      return response.status(409).json({ message: "not possible" });
    }
    // Write the audit line first: if that fails, nothing is paid, and the client can try again.
    try {
      audit.done(`pay ${amount} from ${from} to ${to}`, request);
    } catch (error) {
      cancel();
      throw error;
    }
    // The result of canPay() is still valid: without an await, no other request can run in between.
    accounts.pay({ from, to, amount });
    return response.status(201).json({ from, to, amount });
  });

  app.use((_request, response) => response.status(404).json({ message: "not found" }));

  // Handles errors that are not about the token: an invalid or too large body, or a failure of the server. The response does
  // not contain the message of the error.
  app.use((error, request, response, next) => {
    const status = [400, 413, 415].includes(error.status) ? error.status : 500;
    if (response.headersSent) next(error);
    else response.status(status).json({ message: STATUS_CODES[status].toLowerCase() });
    audit.failed(error, request, status);
  });

  // The server accepts certificates of any CA and verifies them against `ca`; the policy rejects unverified ones. Sessions
  // are not resumed, because a resumed handshake does not verify the chain.
  const tls = { key, cert, ca, minVersion: "TLSv1.3", secureOptions: constants.SSL_OP_NO_TICKET };
  return createServer({ ...tls, requestCert: true, rejectUnauthorized: false }, app);
}

function requirePayment({ body }, response, next) {
  const isPayment =
    typeof body?.from === "string" &&
    typeof body.to === "string" &&
    body.to !== body.from &&
    Number.isSafeInteger(body.amount) &&
    body.amount > 0;
  if (isPayment) next();
  else response.status(400).json({ message: "not a payment" });
}
