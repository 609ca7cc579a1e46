// oxlint-disable vitest/expect-expect -- that a call compiles, or does not, is the assertion
import { createVerifier } from "@certbound/core";
import { protectApi as protectExpress } from "@certbound/express";
import { protectApi as protectFastify } from "@certbound/fastify";
import {
  createClock,
  createTestKit,
  forwardedHeaders,
  type ForwardingProxy,
  type Identity,
  mtlsFetch,
  type TestKit,
} from "@certbound/testing";
import Fastify from "fastify";
import { createSecureServer } from "node:http2";
import { createServer } from "node:https";
import { describe, expectTypeOf, test } from "vitest";

declare const kit: TestKit;
declare const identity: Identity;

describe("a test kit", () => {
  test("has options for verifiers, adapters and servers", () => {
    createVerifier(kit.verifierOptions);
    createVerifier({ ...kit.verifierOptions, clockTolerance: 0 });
    protectExpress(kit.verifierOptions);
    protectFastify(kit.verifierOptions);
    createServer(kit.serverOptions);
    createSecureServer(kit.serverOptions);
    Fastify({ https: kit.serverOptions });
    Fastify({ http2: true, https: kit.serverOptions });
  });

  test("has a fetch of the type of the global one", () => {
    expectTypeOf(kit.mtlsFetch()).toEqualTypeOf<typeof fetch>();
    expectTypeOf(mtlsFetch({ ca: "PEM" })).toEqualTypeOf<typeof fetch>();
  });

  test("is disposable, and takes the clocks that can be moved", () => {
    expectTypeOf(kit).toExtend<AsyncDisposable>();
    void createTestKit({ clock: createClock(2_000_000_000_000) });
    // @ts-expect-error a clock that cannot be moved
    void createTestKit({ clock: Date.now });
    // @ts-expect-error no such option
    void createTestKit({ audiences: ["a"] });
  });

  test("fills in the authority itself", () => {
    void kit.mtlsRequest("https://127.0.0.1", { identity });
    // @ts-expect-error the authority is that of the kit
    void kit.mtlsRequest("https://127.0.0.1", { ca: "PEM" });
  });
});

describe("words that are true, or left out", () => {
  test("are not false", () => {
    void kit.issueClientCertificate({ expired: true });
    void kit.accessToken({ forged: true });
    // @ts-expect-error left out instead
    void kit.issueClientCertificate({ expired: false });
    // @ts-expect-error left out instead
    void kit.accessToken({ forged: false });
  });
});

describe("forwardedHeaders", () => {
  test("takes the options of each proxy, and gives headers", () => {
    expectTypeOf(forwardedHeaders("nginx", identity)).toEqualTypeOf<Record<string, string>>();
    forwardedHeaders("haproxy", null, { encoding: "sha256-hex", usedHeader: "x-used", verified: false });
    forwardedHeaders("awsAlb", identity, { mode: "passthrough" });
    forwardedHeaders("envoy", identity, { via: identity });
    // @ts-expect-error nginx has one encoding
    forwardedHeaders("nginx", identity, { encoding: "rfc9440" });
    // @ts-expect-error not one of HAProxy's
    forwardedHeaders("haproxy", identity, { encoding: "pem-spaces" });
    // @ts-expect-error Kong does not say how it verified
    forwardedHeaders("kong", identity, { verified: true });
  });

  test("takes an identity or null for none, and known proxies", () => {
    // @ts-expect-error an identity that was not awaited
    forwardedHeaders("nginx", kit.issueClientCertificate());
    // @ts-expect-error null is for none
    forwardedHeaders("nginx", undefined);
    // @ts-expect-error not a proxy that is known
    forwardedHeaders("iis", identity);
    expectTypeOf<"nginx">().toExtend<ForwardingProxy>();
  });
});
