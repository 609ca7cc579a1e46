import {
  type AccessToken,
  AccessTokenError,
  createAuthenticator,
  type NodeRequest,
  type Requirements,
} from "@certbound/core";
import { H3, HTTPError, type Middleware } from "h3";
import { toNodeHandler } from "h3/node";
import { createServer } from "node:https";
import { tls } from "../tls.js";

declare module "h3" {
  interface H3EventContext {
    accessToken: AccessToken;
  }
}

const authenticator = createAuthenticator();

/** Lets a request pass if its token meets the requirements. */
function protect(requirements: Requirements<NodeRequest> = {}): Middleware {
  const authenticate = authenticator(requirements);
  return async (event) => {
    const request = event.runtime?.node?.req;
    if (request === undefined) throw new HTTPError("this API needs Node.js");
    try {
      event.context.accessToken = await authenticate(request);
    } catch (error) {
      if (!(error instanceof AccessTokenError)) throw error; // a failure of the server: 500
      const { status, headers, body } = authenticator.rejection(error);
      return Response.json(body, { status, headers });
    }
    return undefined;
  };
}

const app = new H3();
app.get("/accounts", (event) => ({ client: event.context.accessToken.claims.client_id }), {
  middleware: [protect({ scopes: ["read"] })],
});

export const server = createServer(tls, toNodeHandler(app));
