// oxlint-disable vitest/expect-expect -- that a call compiles, or does not, is the assertion
import certbound, {
  type AccessToken,
  type AccessTokenClaims,
  type ClientCertificateResolver,
  createVerifier,
  type Protect,
  protectApi,
  type Respond,
} from "@certbound/fastify";
import Fastify, { type FastifyRequest } from "fastify";
import { describe, expectTypeOf, test } from "vitest";

const protect = protectApi();

describe("the hook of protect()", () => {
  test("is accepted by HTTP/1.1 and HTTP/2 servers, with and without TLS", () => {
    const servers = {
      http: Fastify(),
      https: Fastify({ https: {} }),
      http2: Fastify({ http2: true }),
      secureHttp2: Fastify({ http2: true, https: {} }),
    };
    servers.http.get("/", { onRequest: protect() }, () => ({}));
    servers.https.get("/", { onRequest: protect() }, () => ({}));
    servers.http2.get("/", { onRequest: protect() }, () => ({}));
    servers.secureHttp2.get("/", { onRequest: protect() }, () => ({}));
    servers.secureHttp2.addHook("onRequest", protect());
  });

  test("is accepted as every hook before the handler, alone and in a list", () => {
    const app = Fastify({ https: {} });
    app.addHook("onRequest", protect());
    app.get("/a", { onRequest: [protect(), async () => {}] }, () => ({}));
    app.get("/b", { preHandler: protect({ scopes: ["read"] }) }, () => ({}));
    app.get("/c", { preValidation: protect() }, () => ({}));
    app.route({ method: "GET", url: "/d", onRequest: protect(), handler: () => ({}) });
  });

  test("is accepted by routes with custom types", () => {
    const app = Fastify();
    app.get<{ Params: { id: string } }>("/a/:id", { onRequest: protect() }, (request) => {
      expectTypeOf(request.params.id).toEqualTypeOf<string>();
      expectTypeOf(request.claims).toEqualTypeOf<AccessTokenClaims>();
      expectTypeOf(request.accessToken).toEqualTypeOf<AccessToken>();
      return {};
    });
  });
});

describe("the plugin", () => {
  test("accepts the options of protectApi, and adds protect to the instance", () => {
    const app = Fastify();
    app.register(certbound, { issuer: "https://issuer.example", audience: "a" });
    app.register(certbound, { verifier: createVerifier() });
    expectTypeOf(app.protect).toEqualTypeOf<Protect>();
    // @ts-expect-error -- misspelled
    app.register(certbound, { audiences: "a" });
  });

  test("is accepted by servers with TLS and HTTP/2", () => {
    Fastify({ https: {} }).register(certbound, { verifier: createVerifier() });
    Fastify({ http2: true, https: {} }).register(certbound, { verifier: createVerifier() });
  });
});

describe("protectApi", () => {
  test("does not accept verifier options together with a verifier", () => {
    // @ts-expect-error -- the verifier has its issuer
    protectApi({ verifier: createVerifier(), issuer: "https://issuer.example" });
  });

  test("passes Fastify requests to its callbacks", () => {
    const certificateResolver: ClientCertificateResolver<FastifyRequest> = async ({ headers }) =>
      headers["x-certificate"]?.toString() ?? "";
    const respond: Respond = (rejection, _request, reply) => reply.code(rejection.status).send();
    protectApi({ certificateResolver, respond, tokenResolver: ({ headers }) => headers["x-token"]?.toString() });
    protect({ authorize: (token, request) => token.claims.sub === request.id });
  });

  test("does not accept undefined for a requirement", () => {
    // @ts-expect-error -- a misspelled variable must not drop a requirement
    protect({ groups: undefined });
    // @ts-expect-error -- it cannot be disabled
    protect({ validateCertificateBinding: false });
  });
});
