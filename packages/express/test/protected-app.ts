import type { RequestOptions, Requirements, VerifierOptions } from "@certbound/core";
import { type MtlsRequestOptions, mtlsRequest, type MtlsResponse, startServer } from "@certbound/testing";
import type express5 from "express";
import type { ErrorRequestHandler, Request, RequestHandler } from "express";
import { createServer } from "node:https";
import { onTestFinished } from "vitest";
import { createParties, type Parties } from "../../../test/helpers/parties.ts";
import { protectApi, type Respond } from "../src/protect-api.ts";

/** Options of `protectApi` beside the issuer's. */
export type AppOptions = RequestOptions<Request> &
  Pick<VerifierOptions, "clock"> & { readonly respond?: Respond | undefined };

/** What an application has, beside the protected route at `/` and an unprotected one at `/open`. */
export interface AppSetup {
  readonly options?: AppOptions;
  readonly requirements?: Requirements<Request>;
  /** Of both routes; by default it answers with the claims. */
  readonly handler?: RequestHandler;
}

/** An application that runs, and what it has seen. */
export interface RunningApp {
  /** What reached the error handler, which passes it on to Express's own. */
  readonly errors: readonly unknown[];
  /** What reached the handler of a route. */
  readonly handled: readonly Request[];
  /** Sends a request with the client's certificate and, unless told otherwise, with the client's token. */
  readonly send: (options?: Partial<MtlsRequestOptions> & { readonly path?: string }) => Promise<MtlsResponse>;
}

/** The same for all tests of a file; the keys are given to the applications, so that the issuer need not run. */
export const parties: Parties = await createParties();
await parties.issuer.close();

/** Starts an application for one test. */
export async function startApp(express: typeof express5, setup: AppSetup = {}): Promise<RunningApp> {
  const { options, requirements, handler = answerClaims } = setup;
  const errors: unknown[] = [];
  const handled: Request[] = [];
  const handle: RequestHandler = (request, response, next) => {
    handled.push(request);
    return handler(request, response, next);
  };
  const noteError: ErrorRequestHandler = (error, _request, _response, next) => {
    errors.push(error);
    next(error);
  };
  const app = express();
  app.get("/", protectApi({ ...parties.verifierOptions, ...options })(requirements), handle);
  app.get("/open", handle);
  app.use(noteError);
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

function answerClaims({ claims = {} }: Partial<Request>, response: Parameters<RequestHandler>[1]): void {
  response.json(claims);
}
