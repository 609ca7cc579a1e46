// oxlint-disable vitest/expect-expect -- that a call compiles, or does not, is the assertion
import {
  type AccessToken,
  type AccessTokenClaims,
  type AuthenticatedExpressRequest,
  type ClientCertificateResolver,
  createVerifier,
  type Protect,
  protectApi,
  type Respond,
  type Verifier,
} from "@certbound/express";
import express, { type Request } from "express";
import { createServer } from "node:http";
import { createSecureServer } from "node:http2";
import { describe, expectTypeOf, test } from "vitest";

const app = express();
const protect = protectApi();

describe("protect() in front of an Express route", () => {
  test("preserves the inferred path parameters", () => {
    app.get("/a/:id", protect(), (request, response) => {
      expectTypeOf(request.params.id).toEqualTypeOf<string>();
      // @ts-expect-error -- not a parameter of the path
      void request.params.other;
      response.json({});
    });
    app.get("/a/:id/:part", protect({ scopes: ["read"] }), express.json(), (request) => {
      expectTypeOf(request.params.part).toEqualTypeOf<string>();
    });
  });

  test("is accepted wherever Express accepts a handler", () => {
    app.use(protect());
    app.use("/orders", protect({ scopes: ["read"] }), express.Router());
    express
      .Router()
      .route("/")
      .all(protect())
      .get(protect({ scopes: ["read"] }));
  });

  test("adds claims and accessToken to the request", () => {
    app.get("/", protect(), (request) => {
      expectTypeOf(request.claims).toEqualTypeOf<AccessTokenClaims>();
      expectTypeOf(request.accessToken).toEqualTypeOf<AccessToken>();
      const { claims, accessToken } = request as AuthenticatedExpressRequest;
      expectTypeOf(claims).toEqualTypeOf<AccessTokenClaims>();
      expectTypeOf(accessToken).toEqualTypeOf<AccessToken>();
    });
  });
});

describe("protect() without Express", () => {
  test("accepts requests and responses of Node's servers, and any callback that accepts an error", () => {
    createServer((request, response) => protect()(request, response, (error?: Error) => void error));
    createSecureServer((request, response) => protect()(request, response, (error?: unknown) => void error));
    const handler = protect.metadata();
    // @ts-expect-error -- the callback is missing
    createServer((request, response) => handler(request, response));
  });
});

describe("protectApi", () => {
  test("accepts a verifier or verifier options", () => {
    const verifier = createVerifier();
    expectTypeOf(protectApi({ verifier }).verifier).toEqualTypeOf<Verifier>();
    expectTypeOf(protect).toEqualTypeOf<Protect>();
    // @ts-expect-error -- the verifier has its issuer
    protectApi({ verifier, issuer: "https://issuer.example" });
    // @ts-expect-error -- misspelled
    protectApi({ certificateResolvers: () => null });
    // @ts-expect-error -- a requirement of a route
    protectApi({ validateCertificateBinding: true });
  });

  test("passes Express requests to its callbacks", () => {
    const certificateResolver: ClientCertificateResolver<Request> = async (request) =>
      request.get("x-certificate") ?? "";
    const respond: Respond = (rejection, _request, response, forward) =>
      rejection.status === 403 ? forward() : response.status(rejection.status).send();
    protectApi({
      certificateResolver,
      respond,
      tokenResolver: (request) => request.get("x-token"),
      onRejected: (error, request) => console.log(error.code, request.path),
    });
    protect({ authorize: (token, request) => token.claims.sub === request.params["id"] });
  });

  test("does not accept undefined for a requirement", () => {
    // @ts-expect-error -- a misspelled variable must not drop a requirement
    protect({ scopes: undefined });
    // @ts-expect-error -- it cannot be disabled
    protect({ validateCertificateBinding: false });
  });
});
