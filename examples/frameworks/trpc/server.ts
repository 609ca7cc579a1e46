import { AccessTokenError, createAuthenticator, type NodeRequest, type Requirements } from "@certbound/core";
import { initTRPC, TRPCError } from "@trpc/server";
import { createHTTPHandler, type CreateHTTPContextOptions } from "@trpc/server/adapters/standalone";
import { createServer } from "node:https";
import { tls } from "../tls.js";

const authenticator = createAuthenticator();

const createContext = ({ req }: CreateHTTPContextOptions) => ({ req });
const trpc = initTRPC.context<typeof createContext>().create();

const codes: Record<number, TRPCError["code"]> = {
  400: "BAD_REQUEST",
  401: "UNAUTHORIZED",
  403: "FORBIDDEN",
  503: "SERVICE_UNAVAILABLE",
};

/** Creates procedures whose tokens must meet the requirements; `ctx.accessToken` is the token. */
function protectedProcedure(requirements: Requirements<NodeRequest> = {}) {
  const authenticate = authenticator(requirements);
  return trpc.procedure.use(async ({ ctx, next }) => {
    const accessToken = await authenticate(ctx.req).catch((error: unknown) => {
      if (!(error instanceof AccessTokenError)) throw error; // a failure of the server: 500
      const { status, body } = authenticator.rejection(error);
      throw new TRPCError({ code: codes[status] ?? "INTERNAL_SERVER_ERROR", message: body.message, cause: error });
    });
    return next({ ctx: { accessToken } });
  });
}

const router = trpc.router({
  accounts: protectedProcedure({ scopes: ["read"] }).query(({ ctx }) => ({ client: ctx.accessToken.claims.client_id })),
});

const handler = createHTTPHandler({
  router,
  createContext,
  responseMeta({ errors }) {
    const cause = errors.map((error) => error.cause).find((error) => error instanceof AccessTokenError);
    return cause === undefined ? {} : { headers: authenticator.rejection(cause).headers };
  },
});

export const server = createServer(tls, handler);
