import {
  type AccessToken,
  AccessTokenError,
  createAuthenticator,
  type NodeRequest,
  type Requirements,
} from "@certbound/core";
import Koa from "koa";
import { createServer } from "node:https";
import { tls } from "../tls.js";

const authenticator = createAuthenticator();

/** Lets a request pass if its token meets the requirements. */
function protect(requirements: Requirements<NodeRequest> = {}): Koa.Middleware<{ accessToken: AccessToken }> {
  const authenticate = authenticator(requirements);
  return async (context, next) => {
    try {
      context.state.accessToken = await authenticate(context.req);
    } catch (error) {
      if (!(error instanceof AccessTokenError)) throw error; // a failure of the server: 500
      const { status, headers, body } = authenticator.rejection(error);
      context.set(headers);
      context.status = status;
      context.body = body;
      return;
    }
    await next();
  };
}

const app = new Koa<{ accessToken: AccessToken }>();
app.use(protect({ scopes: ["read"] }));
app.use((context) => {
  context.body = { client: context.state.accessToken.claims.client_id };
});

export const server = createServer(tls, app.callback());
