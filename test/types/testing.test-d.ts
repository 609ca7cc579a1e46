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

  test("has a fetch with the type of the global fetch", () => {
    expectTypeOf(kit.mtlsFetch()).toEqualTypeOf<typeof fetch>();
    expectTypeOf(mtlsFetch({ ca: "PEM" })).toEqualTypeOf<typeof fetch>();
  });

  test("is disposable, and accepts only clocks from createClock", () => {
    expectTypeOf(kit).toExtend<AsyncDisposable>();
    void createTestKit({ clock: createClock(2_000_000_000_000) });
    // @ts-expect-error not a clock from createClock
    void createTestKit({ clock: Date.now });
    // @ts-expect-error an unknown option
    void createTestKit({ audiences: ["a"] });
  });

  test("sets the option ca", () => {
    void kit.mtlsRequest("https://127.0.0.1", { identity });
    // @ts-expect-error the kit sets the CA
    void kit.mtlsRequest("https://127.0.0.1", { ca: "PEM" });
  });
});

describe("options that are true or undefined", () => {
  test("do not accept false", () => {
    void kit.issueClientCertificate({ expired: true });
    void kit.accessToken({ forged: true });
    // @ts-expect-error false instead of omitting it
    void kit.issueClientCertificate({ expired: false });
    // @ts-expect-error false instead of omitting it
    void kit.accessToken({ forged: false });
  });
});

describe("forwardedHeaders", () => {
  test("accepts the options of each proxy, and returns headers", () => {
    expectTypeOf(forwardedHeaders("nginx", identity)).toEqualTypeOf<Record<string, string>>();
    forwardedHeaders("haproxy", null, { encoding: "sha256-hex", usedHeader: "x-used", verified: false });
    forwardedHeaders("awsAlb", identity, { mode: "passthrough" });
    forwardedHeaders("envoy", identity, { via: identity });
    // @ts-expect-error nginx has one encoding
    forwardedHeaders("nginx", identity, { encoding: "rfc9440" });
    // @ts-expect-error not an encoding of HAProxy
    forwardedHeaders("haproxy", identity, { encoding: "pem-spaces" });
    // @ts-expect-error Kong does not send a verification result
    forwardedHeaders("kong", identity, { verified: true });
  });

  test("accepts an identity or null, and known proxies", () => {
    // @ts-expect-error an identity that was not awaited
    forwardedHeaders("nginx", kit.issueClientCertificate());
    // @ts-expect-error undefined instead of null
    forwardedHeaders("nginx", undefined);
    // @ts-expect-error an unknown proxy
    forwardedHeaders("iis", identity);
    expectTypeOf<"nginx">().toExtend<ForwardingProxy>();
  });
});
