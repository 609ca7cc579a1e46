import type { IncomingHttpHeaders } from "node:http";
import { text } from "node:stream/consumers";
import type { VerifierOptions } from "../../src/options/configuration.ts";
import type { IntrospectionOptions } from "../../src/options/introspection-configuration.ts";
import {
  createIntrospectionEndpoint,
  type IntrospectionEndpoint,
} from "../../src/issuer/introspection/introspection-endpoint.ts";
import { createIssuerKeys } from "../../src/issuer/keys/issuer-keys.ts";
import { parseVerifierOptions } from "../../src/options/verifier-options.ts";
import { type Responder, type Endpoint, json, startEndpoint } from "./endpoint.ts";

/** The default client credentials. */
export const secret = { clientId: "api", clientSecret: "secret" } as const;

/** A request to an introspection endpoint, as it arrived. */
export interface RecordedRequest {
  readonly method: string | undefined;
  readonly headers: IncomingHttpHeaders;
  /** The members of the form; the values of a repeated member are a list. */
  readonly form: Readonly<Record<string, string | readonly string[]>>;
}

/** An introspection endpoint on 127.0.0.1 whose responses the test defines. */
export interface RecordingEndpoint extends Endpoint {
  /** The requests so far. */
  readonly recordedRequests: readonly RecordedRequest[];
}

/** Starts an introspection endpoint, which is closed after the test; by default every token is active. */
export async function startIntrospectionEndpoint(
  first: Responder = json({ active: true }),
): Promise<RecordingEndpoint> {
  const recordedRequests: RecordedRequest[] = [];
  const recording = (responder: Responder): Responder => {
    return (response, path) => {
      const { method, headers } = response.req;
      text(response.req).then(
        (body) => {
          recordedRequests.push({ method, headers, form: readForm(body) });
          responder(response, path);
        },
        () => response.destroy(),
      );
    };
  };
  const endpoint = await startEndpoint(recording(first));
  return { ...endpoint, recordedRequests, respondWith: (next) => endpoint.respondWith(recording(next)) };
}

/** Creates the client of the introspection endpoint of a verifier with these options. */
export function endpointOf(
  introspection: object,
  options: VerifierOptions = {},
  elapsed?: () => number,
): IntrospectionEndpoint {
  const all = { issuer: "https://as.example", audience: null, ...options };
  const configuration = parseVerifierOptions({ ...all, introspection: introspection as IntrospectionOptions });
  const [issuer] = configuration.issuers;
  if (issuer?.introspection === undefined) throw new Error("no issuer has introspection options");
  const keys = createIssuerKeys(issuer, configuration);
  return createIntrospectionEndpoint({ ...issuer, introspection: issuer.introspection }, configuration, keys, elapsed);
}

/** Introspects a token once, and returns the request that arrived. */
export async function recordedRequestOf(
  introspection: object,
  options: VerifierOptions = {},
): Promise<RecordedRequest> {
  const { url, recordedRequests } = await startIntrospectionEndpoint();
  await endpointOf({ endpoint: url, ...introspection }, options).introspect("token");
  const [request, ...others] = recordedRequests;
  if (request === undefined || others.length > 0) throw new Error("not exactly one request arrived");
  return request;
}

function readForm(body: string): RecordedRequest["form"] {
  const form = new URLSearchParams(body);
  const names = [...new Set(form.keys())];
  return Object.fromEntries(
    names.map((name) => {
      const values = form.getAll(name);
      return [name, values.length === 1 ? (values[0] ?? "") : values];
    }),
  );
}
