import {
  type AccessToken,
  AccessTokenError,
  createAuthenticator,
  type NodeRequest,
  type Requirements,
} from "@certbound/core";
import { createAdaptorServer, type HttpBindings } from "@hono/node-server";
import { Hono } from "hono";
import { createMiddleware } from "hono/factory";
import { createServer } from "node:https";
import { tls } from "../tls.js";

const authenticator = createAuthenticator();

/** Lets a request pass if its token meets the requirements. */
function protect(requirements: Requirements<NodeRequest> = {}) {
  const authenticate = authenticator(requirements);
  return createMiddleware<{ Bindings: HttpBindings; Variables: { accessToken: AccessToken } }>(
    async (context, next) => {
      try {
        context.set("accessToken", await authenticate(context.env.incoming));
      } catch (error) {
        if (!(error instanceof AccessTokenError)) throw error; // a failure of the server: 500
        const { status, headers, body } = authenticator.rejection(error);
        return Response.json(body, { status, headers });
      }
      return next();
    },
  );
}

const app = new Hono<{ Bindings: HttpBindings }>();
app.get("/accounts", protect({ scopes: ["read"] }), (context) =>
  context.json({ client: context.get("accessToken").claims.client_id }),
);

export const server = createAdaptorServer({ fetch: app.fetch, createServer, serverOptions: tls });
