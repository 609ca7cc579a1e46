import type { RequestOptions, Requirements, VerifierOptions } from "@certbound/core";
import { type MtlsRequestOptions, mtlsRequest, type MtlsResponse, startServer } from "@certbound/testing";
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { onTestFinished } from "vitest";
import { createParties, type Parties } from "../../../test/helpers/parties.ts";
import { certbound } from "../src/plugin.ts";
import type { Respond } from "../src/protect-api.ts";

/** Options of the plugin beside the issuer's. */
export type AppOptions = RequestOptions<FastifyRequest> &
  Pick<VerifierOptions, "clock"> & { readonly respond?: Respond | undefined };

/** What an application has, beside the protected route at `/` and an unprotected one at `/open`. */
export interface AppSetup {
  readonly options?: AppOptions;
  readonly requirements?: Requirements<FastifyRequest>;
  /** Of both routes; by default it answers with the claims. */
  readonly handler?: (request: FastifyRequest, reply: FastifyReply) => unknown;
}

/** An application that runs, and what it has seen. */
export interface RunningApp {
  /** What reached the error handler, which passes it on to Fastify's own. */
  readonly errors: readonly unknown[];
  /** What reached the handler of a route. */
  readonly handled: readonly FastifyRequest[];
  readonly send: Send;
}

/** Sends a request with the client's certificate and, unless told otherwise, with the client's token. */
export type Send = (options?: Partial<MtlsRequestOptions> & { readonly path?: string }) => Promise<MtlsResponse>;

/** The same for all tests of a file; the keys are given to the applications, so that the issuer need not run. */
export const parties: Parties = await createParties();
await parties.issuer.close();

/** Starts an application for one test. */
export async function startApp({ options, requirements, handler }: AppSetup = {}): Promise<RunningApp> {
  const errors: unknown[] = [];
  const handled: FastifyRequest[] = [];
  const handle = (request: FastifyRequest, reply: FastifyReply): unknown => {
    handled.push(request);
    return handler === undefined ? (request.claims ?? {}) : handler(request, reply);
  };
  const app = createApp();
  app.setErrorHandler((error) => {
    errors.push(error);
    throw error;
  });
  await app.register(certbound, { ...parties.verifierOptions, ...options });
  app.get("/", { onRequest: app.protect(requirements) }, handle);
  app.get("/open", handle);
  return { errors, handled, send: await startSending(app) };
}

/** Creates an application that is to get its routes, and ends with the test. */
export function createApp(): FastifyInstance {
  // What differs between http and https servers is not used in the tests.
  const app = Fastify({ https: parties.tls }) as unknown as FastifyInstance;
  onTestFinished(() => app.close());
  return app;
}

/** Starts an application for one test, once it has its routes. */
export async function startSending(app: FastifyInstance): Promise<Send> {
  await app.ready();
  const { url, close } = await startServer(app.server);
  onTestFinished(close);
  return async ({ path = "/", ...request } = {}) =>
    mtlsRequest(url + path, {
      ca: parties.ca.certificate,
      identity: parties.client,
      token: await parties.token(),
      ...request,
    });
}
