import type { RequestOptions, Requirements, VerifierOptions } from "@certbound/core";
import { type MtlsRequestOptions, mtlsRequest, type MtlsResponse, startServer } from "@certbound/testing";
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { onTestFinished } from "vitest";
import { createParties, type Parties } from "../../../test/helpers/parties.ts";
import { certbound } from "../src/plugin.ts";
import type { Respond } from "../src/protect-api.ts";

/** Options of the plugin in addition to those of the issuer. */
export type AppOptions = RequestOptions<FastifyRequest> &
  Pick<VerifierOptions, "clock"> & { readonly respond?: Respond | undefined };

/** An application with a protected route at `/` and an unprotected route at `/open`. */
export interface AppSetup {
  readonly options?: AppOptions;
  readonly requirements?: Requirements<FastifyRequest>;
  /** The handler of both routes. By default it responds with the claims. */
  readonly handler?: (request: FastifyRequest, reply: FastifyReply) => unknown;
}

/** A running application, with the errors and requests that it recorded. */
export interface RunningApp {
  /** The errors that reached the error handler, which passes them to the default error handler of Fastify. */
  readonly errors: readonly unknown[];
  /** The requests that reached the handler of a route. */
  readonly handled: readonly FastifyRequest[];
  readonly send: Send;
}

/** Sends a request with the client's certificate and token, unless the options contain others. */
export type Send = (options?: Partial<MtlsRequestOptions> & { readonly path?: string }) => Promise<MtlsResponse>;

/** Shared by all tests of a file. The applications have the keys of the issuer, which is not running. */
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

/** Creates an application without routes, and closes it at the end of the test. */
export function createApp(): FastifyInstance {
  // The tests do not use members that differ between http and https servers.
  const app = Fastify({ https: parties.tls }) as unknown as FastifyInstance;
  onTestFinished(() => app.close());
  return app;
}

/** Starts an application that has its routes, for one test. */
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
