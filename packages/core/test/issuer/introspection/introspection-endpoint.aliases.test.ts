import { describe, expect, test } from "vitest";
import { IssuerRequestError } from "../../../src/issuer/issuer-request.ts";
import {
  type RecordingEndpoint,
  endpointOf,
  secret,
  startIntrospectionEndpoint,
} from "../../support/introspection-endpoint.ts";
import { type Endpoint, json, startEndpoint } from "../../support/endpoint.ts";
import { clients, type GuardedEndpoint, startGuardedEndpoint } from "../../support/guarded-endpoint.ts";
import { reasonOf } from "../../support/outcome.ts";

const api = await clients.issueClientCertificate();

/** An issuer with two introspection endpoints: one without and one with client certificates. */
interface Endpoints {
  readonly issuer: Endpoint;
  readonly plain: RecordingEndpoint;
  readonly guarded: GuardedEndpoint;
  readonly clientTls: { readonly cert: string; readonly key: string; readonly ca: string };
}

/** Starts an issuer whose metadata names both endpoints, the second one as an alias for mutual TLS (RFC 8705 section 5). */
async function startEndpoints(aliases: (guarded: string, plain: string) => unknown): Promise<Endpoints> {
  const plain = await startIntrospectionEndpoint(json({ active: true, at: "plain" }));
  const guarded = await startGuardedEndpoint({ active: true, at: "guarded" });
  const issuer = await startEndpoint((response, path) => {
    const document = { issuer: issuer.url, introspection_endpoint: plain.url };
    json({ ...document, mtls_endpoint_aliases: aliases(guarded.url, plain.url) })(response, path);
  });
  return { issuer, plain, guarded, clientTls: { cert: api.certificate, key: api.key, ca: guarded.ca } };
}

const tokenOnly = (guarded: string): object => ({ token_endpoint: `${guarded}/token` });
const good = (guarded: string): object => ({ introspection_endpoint: `${guarded}/introspect` });

describe("mtls_endpoint_aliases", () => {
  test("contain the endpoint for a client with a certificate", async () => {
    const { issuer, plain, guarded, clientTls } = await startEndpoints(good);
    const endpoint = endpointOf({ clientId: "api", clientTls }, { issuer: issuer.url });
    expect(await endpoint.introspect("token")).toEqual({ active: true, at: "guarded" });
    expect(await endpoint.locate()).toBe(`${guarded.url}/introspect`);
    expect({ plain: plain.requests, guarded: guarded.thumbprints }).toEqual({ plain: [], guarded: [api.thumbprint] });
  });

  test.each(["tls_client_auth", "self_signed_tls_client_auth"])(
    "contain the endpoint for a custom fetch with %s",
    async (method) => {
      const { issuer, guarded } = await startEndpoints(good);
      const endpoint = endpointOf({ clientId: "api", clientAuthentication: method }, { issuer: issuer.url, fetch });
      expect(await endpoint.locate()).toBe(`${guarded.url}/introspect`);
    },
  );

  test.each(["client_secret_basic", "client_secret_post"])("are not used with %s", async (clientAuthentication) => {
    const { issuer, plain, guarded } = await startEndpoints(good);
    const endpoint = endpointOf({ ...secret, clientAuthentication }, { issuer: issuer.url });
    expect(await endpoint.introspect("token")).toEqual({ active: true, at: "plain" });
    expect({ plain: plain.requests, guarded: guarded.thumbprints }).toEqual({ plain: ["/"], guarded: [] });
  });

  test("are not used if the endpoint is configured", async () => {
    const { issuer, guarded, clientTls } = await startEndpoints(good);
    const endpoint = endpointOf({ clientId: "api", clientTls, endpoint: guarded.url }, { issuer: issuer.url });
    expect(await endpoint.locate()).toBe(`${guarded.url}/`);
    expect(issuer.requests).toEqual([]);
  });

  test.each<[string, (guarded: string) => unknown]>([
    ["are missing", () => undefined],
    ["are empty", () => ({})],
    ["name only other endpoints", tokenOnly],
  ])("are not used if they %s", async (_name, aliases) => {
    const { issuer, plain } = await startEndpoints(aliases);
    const tls = { clientId: "api", clientAuthentication: "tls_client_auth" };
    const endpoint = endpointOf(tls, { issuer: issuer.url, fetch });
    expect(await endpoint.introspect("token")).toEqual({ active: true, at: "plain" });
    expect(plain.recordedRequests).toMatchObject([{ form: { client_id: "api" } }]);
  });

  test.each<[string, (guarded: string, plain: string) => unknown]>([
    ["is http on loopback", (_guarded, plain) => plain],
    ["is http on another host", () => "http://as.example/introspect"],
    ["is not a URL", () => "/introspect"],
    ["is empty", () => ""],
    ["has the scheme file", () => "file:///introspect"],
    ["is not a string", () => 1],
    ["is a list", (guarded) => [guarded]],
    ["is an object", () => ({})],
  ])("are rejected if the introspection endpoint %s, and no request is sent", async (_name, alias) => {
    const endpoints = await startEndpoints((guarded, plain) => ({ introspection_endpoint: alias(guarded, plain) }));
    const { issuer, plain, guarded, clientTls } = endpoints;
    const endpoint = endpointOf({ clientId: "api", clientTls }, { issuer: issuer.url });
    expect(await reasonOf(endpoint.ready())).toBeInstanceOf(IssuerRequestError);
    expect(await reasonOf(endpoint.introspect("token"))).toBeInstanceOf(IssuerRequestError);
    expect({ plain: plain.requests, guarded: guarded.thumbprints }).toEqual({ plain: [], guarded: [] });
    expect(await endpointOf(secret, { issuer: issuer.url }).introspect("token")).toEqual({ active: true, at: "plain" });
  });
});
