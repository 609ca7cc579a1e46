// The API of express-mtls on Fastify: the plugin, scopes for each encapsulated context, and routes with a JSON schema. A
// route validates a body only after the token was accepted.

import certbound from "@certbound/fastify";
import fastify from "fastify";

/** Creates the API. `log` is called with one line at a time. */
export async function createApi({ key, cert, issuer, log }) {
  // Request a certificate from every client, and let the API reject clients without one.
  // TLS 1.3 has no renegotiation.
  const app = fastify({ https: { key, cert, requestCert: true, rejectUnauthorized: false, minVersion: "TLSv1.3" } });
  await app.register(certbound, {
    issuer,
    audience: "https://api.example.com",
    // Adds the URL of the metadata to challenges. The plugin serves the metadata, which lists what the API requires.
    resource: "https://api.example.com",
    resourceMetadata: { resource_name: "Accounts" },
    // The reason for a rejection is logged, but not sent to the client.
    onRejected: ({ code, detail }, { method, routeOptions }) => log(`${method} ${routeOptions.url} ${code}: ${detail}`),
  });

  app.get("/health", () => ({ up: true }));
  await app.register(accounts, { prefix: "/accounts" });
  await app.register(payments, { prefix: "/payments" });
  await app.ready();
  return app.server;
}

/** The hook requires the scope for every route in this context, and for no route outside it. */
async function accounts(app) {
  app.addHook("onRequest", app.protect({ scopes: ["accounts:read"] }));
  app.get("/", { schema: { response: { 200: listOfAccounts } } }, ({ claims }) => ({
    accounts: [{ number: "A-1", secret: "left out by the schema" }],
    client: claims.client_id,
  }));
  app.get("/owner", ({ claims, accessToken: { clientCertificate } }) => {
    const { thumbprint, x509 } = clientCertificate;
    return { client: claims.client_id, thumbprint, subject: x509.subject, validTo: x509.validTo };
  });
}

async function payments(app) {
  app.addHook("onRequest", app.protect({ scopes: ["payments:write"] }));
  app.post("/", { schema: { body: payment } }, async ({ body }, reply) => {
    reply.code(201);
    return { to: body.to };
  });
}

const listOfAccounts = {
  type: "object",
  properties: {
    accounts: { type: "array", items: { type: "object", properties: { number: { type: "string" } } } },
    client: { type: "string" },
  },
};

const payment = {
  type: "object",
  required: ["to", "amount"],
  properties: { to: { type: "string" }, amount: { type: "integer", minimum: 1 } },
};
