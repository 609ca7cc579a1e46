import {
  type AccessToken,
  AccessTokenError,
  createAuthenticator,
  type NodeRequest,
  type Requirements,
} from "@certbound/core";
import {
  createApp,
  createRouter,
  defineEventHandler,
  defineRequestMiddleware,
  sendWebResponse,
  toNodeListener,
} from "h3-v1";
import { createServer } from "node:https";
import { tls } from "../tls.js";

declare module "h3-v1" {
  interface H3EventContext {
    accessToken: AccessToken;
  }
}

const authenticator = createAuthenticator();

// #region protect
/** Lets a request pass if its token meets the requirements. */
function protect(requirements: Requirements<NodeRequest> = {}) {
  const authenticate = authenticator(requirements);
  return defineRequestMiddleware(async (event) => {
    try {
      event.context.accessToken = await authenticate(event.node.req);
    } catch (error) {
      if (!(error instanceof AccessTokenError)) throw error; // a failure of the server: 500
      const { status, headers, body } = authenticator.rejection(error);
      await sendWebResponse(event, Response.json(body, { status, headers }));
    }
  });
}
// #endregion

const router = createRouter();
router.get(
  "/accounts",
  defineEventHandler({
    onRequest: [protect({ scopes: ["read"] })],
    handler: (event) => ({ client: event.context.accessToken.claims.client_id }),
  }),
);

export const server = createServer(tls, toNodeListener(createApp().use(router)));
