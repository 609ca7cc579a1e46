// Accounts and payments of two tenants. A request needs a token that is bound to its certificate, a certificate of the tenant
// that the token names, the scope of the route, an account of that tenant, and for a large payment, or several that are large
// together, a fresh, strong login.

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
 * Creates the API; `authority` issued the certificates of the tenants, `log` takes one line at a time, `now` is the clock of
 * the limits.
 */
export function createApi({ key, cert, issuer, authority, log, now = Date.now }) {
  const tenants = createTenants({ authority });
  const audit = createAudit({ log, tenants });
  const accounts = createAccounts();
  const limits = createLimits({ maxSum: LARGE - 1, maxPayments: 20, windowMs: DAY, now });
  const protect = protectApi({
    issuer,
    audience: "https://api.bank.example",
    profile: "rfc9068",
    // The issuer says which tenant the token is for, our authority whose the certificate is: they must agree.
    // chainVerified: OpenSSL has checked what the rule for issuers in tenants.js does not, such as name constraints.
    certificatePolicy: certificateRules({
      chainVerified: true,
      currentlyValid: true,
      tenant: { resolve: tenants.ofCertificate, claim: "tenant_id" },
    }),
    onRejected: audit.rejected,
  });
  // An account of another tenant and one that does not exist are rejected alike.
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

  // First who may pay at all, then what is to be paid, then who may pay that. The signature is verified once.
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
    // The line is written first: without it nothing is paid, and the client can try again.
    try {
      audit.done(`pay ${amount} from ${from} to ${to}`, request);
    } catch (error) {
      cancel();
      throw error;
    }
    // Nothing was awaited since canPay().
    accounts.pay({ from, to, amount });
    return response.status(201).json({ from, to, amount });
  });

  app.use((_request, response) => response.status(404).json({ message: "not found" }));

  // Not about the token: a body that is not JSON or too large, or an error of ours. What it says is for the log only.
  app.use((error, request, response, next) => {
    const status = [400, 413, 415].includes(error.status) ? error.status : 500;
    if (response.headersSent) next(error);
    else response.status(status).json({ message: STATUS_CODES[status].toLowerCase() });
    audit.failed(error, request, status);
  });

  // Certificates of any CA are let in, verified up to the authority's, and judged by the policy. No session is resumed: the
  // handshake of a resumed session verifies no chain.
  const tls = { key, cert, ca: authority, minVersion: "TLSv1.3", secureOptions: constants.SSL_OP_NO_TICKET };
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
