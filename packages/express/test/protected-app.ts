import type { RequestOptions, Requirements, VerifierOptions } from "@certbound/core";
import { type MtlsRequestOptions, mtlsRequest, type MtlsResponse, startServer } from "@certbound/testing";
import type express5 from "express";
import type { ErrorRequestHandler, Request, RequestHandler } from "express";
import { createServer } from "node:https";
import { onTestFinished } from "vitest";
import { createParties, type Parties } from "../../../test/helpers/parties.ts";
import { protectApi, type Respond } from "../src/protect-api.ts";

/** Options of `protectApi` in addition to those of the issuer. */
export type AppOptions = RequestOptions<Request> &
  Pick<VerifierOptions, "clock"> & { readonly respond?: Respond | undefined };

/** An application with a protected route at `/` and an unprotected route at `/open`. */
export interface AppSetup {
  readonly options?: AppOptions;
  readonly requirements?: Requirements<Request>;
  /** The handler of both routes. By default it responds with the claims. */
  readonly handler?: RequestHandler;
}

/** A running application, with the errors and requests that it recorded. */
export interface RunningApp {
  /** The errors that reached the error handler, which passes them to the default error handler of Express. */
  readonly errors: readonly unknown[];
  /** The requests that reached the handler of a route. */
  readonly handled: readonly Request[];
  /** Sends a request with the client's certificate and token, unless the options contain others. */
  readonly send: (options?: Partial<MtlsRequestOptions> & { readonly path?: string }) => Promise<MtlsResponse>;
}

/** Shared by all tests of a file. The applications have the keys of the issuer, which is not running. */
export const parties: Parties = await createParties();
await parties.issuer.close();

/** Starts an application for one test. */
export async function startApp(express: typeof express5, setup: AppSetup = {}): Promise<RunningApp> {
  const { options, requirements, handler = sendClaims } = setup;
  const errors: unknown[] = [];
  const handled: Request[] = [];
  const handle: RequestHandler = (request, response, next) => {
    handled.push(request);
    return handler(request, response, next);
  };
  const recordError: ErrorRequestHandler = (error, _request, _response, next) => {
    errors.push(error);
    next(error);
  };
  const app = express();
  app.get("/", protectApi({ ...parties.verifierOptions, ...options })(requirements), handle);
  app.get("/open", handle);
  app.use(recordError);
  const { url, close } = await startServer(createServer(parties.tls, app));
  onTestFinished(close);
  return {
    errors,
    handled,
    send: async ({ path = "/", ...request } = {}) =>
      mtlsRequest(url + path, {
        ca: parties.ca.certificate,
        identity: parties.client,
        token: await parties.token(),
        ...request,
      }),
  };
}

function sendClaims({ claims = {} }: Partial<Request>, response: Parameters<RequestHandler>[1]): void {
  response.json(claims);
}
