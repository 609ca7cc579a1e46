import { createSelfSignedCertificate } from "@certbound/testing";
import { parseClientCertificate } from "../src/certificate/client-certificate.ts";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { NodeRequest } from "../src/http/incoming-request.ts";
import {
  createCredentialSources,
  type Credentials,
  readCredentials,
  type ResolverOptions,
} from "../src/credentials.ts";
import { AccessTokenError } from "../src/errors.ts";
import { forwardedHeader } from "../src/proxy/formats/forwarded-header.ts";
import { fromProxy } from "../src/proxy/from-proxy.ts";
import { tlsCertificate } from "../src/certificate/tls-certificate.ts";
import { outcomeOf, reasonOf, rejectionOf } from "./support/outcome.ts";
import { requestWith } from "./support/requests.ts";

const client = await createSelfSignedCertificate();
const request = requestWith("Bearer token");

type Resolvers = ResolverOptions<NodeRequest>;

/** Reads the credentials of a request with resolvers whose types may be invalid. */
async function read(
  resolvers: { readonly tokenResolver?: unknown; readonly certificateResolver?: unknown },
  from: NodeRequest = request,
): Promise<Credentials> {
  const { tokenResolver, certificateResolver = () => null } = resolvers as Resolvers;
  return readCredentials(from, createCredentialSources({ tokenResolver, certificateResolver, schemes: ["Bearer"] }));
}

/** Returns resolvers that return the value directly, as a promise, and as a thenable. */
function resolversOf(value: unknown): readonly (() => unknown)[] {
  // oxlint-disable-next-line unicorn/no-thenable -- a promise of another library
  const thenable = { then: (resolve: (given: unknown) => void) => resolve(value) };
  return [() => value, async () => value, () => thenable];
}

/** Returns resolvers that throw the value, and that reject with it. */
function failing(cause: unknown): readonly (() => unknown)[] {
  const throwing = (): never => {
    throw cause;
  };
  return [throwing, async () => throwing()];
}

/** Expects an error of the application whose message matches: an Error, but not an AccessTokenError. */
function expectFailure(reason: unknown, message: RegExp): void {
  expect(reason).toBeInstanceOf(Error);
  expect(reason).not.toBeInstanceOf(AccessTokenError);
  expect((reason as Error).message).toMatch(message);
}

describe("the certificateResolver", () => {
  test.each([
    ["PEM", client.certificate],
    ["base64 DER", Buffer.from(client.der).toString("base64")],
    ["DER", client.der],
    ["a thumbprint", { thumbprint: client.thumbprint }],
  ])("may return the certificate as %s, synchronously or asynchronously", async (_name, value) => {
    for (const certificateResolver of resolversOf(value)) {
      const { token, certificate } = await read({ certificateResolver });
      expect(token).toBe("token");
      expect(certificate).toMatchObject({ thumbprint: client.thumbprint });
    }
  });

  test.each([[null], [undefined], [""]])("may return %j if the client presented no certificate", async (value) => {
    for (const certificateResolver of resolversOf(value)) {
      expect((await read({ certificateResolver })).certificate).toMatchObject({ code: "ERR_CERTIFICATE_MISSING" });
    }
  });

  test.each(["ERR_CERTIFICATE_MISSING", "ERR_CERTIFICATE_MALFORMED", "ERR_CERTIFICATE_UNTRUSTED"] as const)(
    "may return an error with %s",
    async (code) => {
      const error = new AccessTokenError(code, { detail: "the proxy is unknown" });
      for (const certificateResolver of resolversOf(error)) {
        expect((await read({ certificateResolver })).certificate).toBe(error);
      }
    },
  );

  test("causes ERR_CERTIFICATE_MALFORMED if it returns text that is not a certificate", async () => {
    for (const certificateResolver of resolversOf("certificate")) {
      expect((await read({ certificateResolver })).certificate).toMatchObject({ code: "ERR_CERTIFICATE_MALFORMED" });
    }
  });

  test.each<[string, unknown]>([
    ["a number", 5],
    ["NaN", Number.NaN],
    ["true", true],
    ["false", false],
    ["an empty object", {}],
    ["a list of certificates", [client.certificate]],
    ["an empty list", []],
    ["a function", () => client.certificate],
    ["a symbol", Symbol("certificate")],
    ["a date", new Date(0)],
    ["an error", new Error("x")],
    ["a thumbprint that is a number", { thumbprint: 5 }],
    ["a thumbprint that is missing", { thumbprint: undefined }],
    ["an x509 that is text", { thumbprint: client.thumbprint, x509: client.certificate }],
    ["the result of getPeerCertificate() without a certificate", Object.create(null)],
  ])("causes an error of the application if it returns %s", async (_name, value) => {
    for (const certificateResolver of resolversOf(value)) {
      expectFailure(await reasonOf(read({ certificateResolver })), /certificate/);
    }
  });

  test.each(["ERR_TOKEN_MISSING", "ERR_TOKEN_EXPIRED", "ERR_BINDING_REQUIRED", "ERR_KEYS_UNAVAILABLE"] as const)(
    "causes an error of the application if it returns an error with %s",
    async (code) => {
      for (const certificateResolver of resolversOf(new AccessTokenError(code))) {
        expectFailure(await reasonOf(read({ certificateResolver })), /certificateResolver.*ERR_CERTIFICATE_/);
      }
    },
  );

  test.each<[string, unknown]>([
    ["an error", new Error("x")],
    ["a rejection", new AccessTokenError("ERR_TOKEN_EXPIRED")],
    ["an error that it may return", new AccessTokenError("ERR_CERTIFICATE_MISSING")],
    ["text", "x"],
    ["undefined", undefined],
  ])("causes an error of the application, with the thrown value as cause, if it throws %s", async (_name, cause) => {
    for (const certificateResolver of failing(cause)) {
      const reason = await reasonOf(read({ certificateResolver }));
      expectFailure(reason, /certificateResolver/);
      expect((reason as Error).cause).toBe(cause);
    }
  });

  test("is called once, with the request", async () => {
    const certificateResolver = vi.fn<(from: NodeRequest) => null>(() => null);
    await read({ certificateResolver });
    expect(certificateResolver.mock.calls).toEqual([[request]]);
  });

  test("is called synchronously, even if the tokenResolver returns a promise", async () => {
    const certificateResolver = vi.fn<() => null>(() => null);
    const reading = read({ certificateResolver, tokenResolver: () => Promise.resolve("token") });
    expect(certificateResolver).toHaveBeenCalledOnce();
    await reading;
  });

  test("is not called for a request without a token", async () => {
    const certificateResolver = vi.fn<() => null>(() => null);
    const withoutToken = [
      requestWith(),
      requestWith("Basic x"),
      requestWith("Bearer"),
      requestWith("Bearer a", "Bearer b"),
    ];
    const codes = await Promise.all(withoutToken.map((from) => outcomeOf(read({ certificateResolver }, from))));
    expect(codes).toEqual(["ERR_TOKEN_MISSING", "ERR_TOKEN_MISSING", "ERR_REQUEST_MALFORMED", "ERR_REQUEST_MALFORMED"]);
    expect(await outcomeOf(read({ certificateResolver, tokenResolver: () => null }))).toBe("ERR_TOKEN_MISSING");
    expect(certificateResolver).not.toHaveBeenCalled();
  });
});

describe("the tokenResolver", () => {
  test("replaces the header, synchronously or asynchronously", async () => {
    for (const from of [request, requestWith(), requestWith("Bearer a", "Bearer b")]) {
      for (const tokenResolver of resolversOf("other")) {
        expect((await read({ tokenResolver }, from)).token).toBe("other");
      }
    }
  });

  test.each([[null], [undefined], [""]])(
    "may return %j if the request has no token, regardless of the header",
    async (value) => {
      for (const tokenResolver of resolversOf(value)) {
        expect(await outcomeOf(read({ tokenResolver }))).toBe("ERR_TOKEN_MISSING");
      }
    },
  );

  test.each<[unknown]>([[5], [true], [false], [{}], [["token"]], [Buffer.from("token")], [() => "token"]])(
    "causes an error of the application if it returns a value that is not text: %s",
    async (value) => {
      for (const tokenResolver of resolversOf(value)) {
        expectFailure(await reasonOf(read({ tokenResolver })), /tokenResolver/);
      }
    },
  );

  test.each<[string, unknown]>([
    ["an error", new Error("x")],
    ["a rejection", new AccessTokenError("ERR_TOKEN_MISSING")],
  ])("causes an error of the application, with the thrown value as cause, if it throws %s", async (_name, cause) => {
    for (const tokenResolver of failing(cause)) {
      const reason = await reasonOf(read({ tokenResolver }));
      expectFailure(reason, /tokenResolver/);
      expect((reason as Error).cause).toBe(cause);
    }
  });

  test("is called once, with the request", async () => {
    const tokenResolver = vi.fn<(from: NodeRequest) => string>(() => "token");
    await read({ tokenResolver });
    expect(tokenResolver.mock.calls).toEqual([[request]]);
  });

  test("leaves no unhandled rejection if it finds no token and the certificateResolver fails later", async () => {
    const certificateResolver = async () => {
      await new Promise((resolve) => void setImmediate(resolve));
      throw new Error("x");
    };
    const error = await rejectionOf(read({ tokenResolver: async () => null, certificateResolver }));
    expect(error.code).toBe("ERR_TOKEN_MISSING");
  });

  test("determines the error if it finds no token, even if the certificateResolver failed first", async () => {
    const certificateResolver = () => {
      throw new Error("x");
    };
    const tokenResolver = async () => {
      await new Promise((resolve) => void setImmediate(resolve));
      return null;
    };
    expect(await outcomeOf(read({ tokenResolver, certificateResolver }))).toBe("ERR_TOKEN_MISSING");
  });
});

describe("readCredentials without a tokenResolver", () => {
  test("reads the token from the Authorization header only", async () => {
    expect((await read({}, requestWith("bearer  a.b.c"))).token).toBe("a.b.c");
    const otherHeaders = {
      rawHeaders: ["Proxy-Authorization", "Bearer a", "X-Forwarded-Authorization", "Bearer b"],
      socket: {},
    };
    expect(await outcomeOf(read({}, otherHeaders))).toBe("ERR_TOKEN_MISSING");
  });
});

describe("an incomplete header list", () => {
  const certificateResolver = fromProxy(forwardedHeader({ header: "x-cert", encoding: "der-base64" }), {
    trust: { addresses: ["192.0.2.1"] },
  });
  const requestOf = (count: number): NodeRequest => {
    const headers = ["Authorization", "Bearer token", "x-cert", Buffer.from(client.der).toString("base64")];
    const rawHeaders = [...headers, ...Array.from({ length: count - 2 }, () => ["a", ""]).flat()];
    return { rawHeaders, socket: { remoteAddress: "192.0.2.1" } };
  };

  test("causes ERR_REQUEST_MALFORMED if the token is read from it", async () => {
    expect(await outcomeOf(read({ certificateResolver }, requestOf(1000)))).toBe("ERR_REQUEST_MALFORMED");
    expect(await outcomeOf(read({}, requestOf(1000)))).toBe("ERR_REQUEST_MALFORMED");
    expect((await read({ certificateResolver }, requestOf(999))).certificate).toMatchObject({
      thumbprint: client.thumbprint,
    });
  });

  test("causes ERR_CERTIFICATE_MALFORMED if only the certificate is read from it", async () => {
    for (const tokenResolver of resolversOf("token")) {
      const { certificate } = await read({ tokenResolver, certificateResolver }, requestOf(1000));
      expect(certificate).toMatchObject({ code: "ERR_CERTIFICATE_MALFORMED" });
      const complete = await read({ tokenResolver, certificateResolver }, requestOf(999));
      expect(complete.certificate).toMatchObject({ thumbprint: client.thumbprint });
    }
  });

  test("is ignored if nothing is read from it", async () => {
    const { token, certificate } = await read(
      { tokenResolver: () => "token", certificateResolver: () => client.der },
      requestOf(1000),
    );
    expect(token).toBe("token");
    expect(certificate).toMatchObject({ thumbprint: client.thumbprint });
  });
});

describe("a built-in resolver", () => {
  const trust = { addresses: ["192.0.2.1"] };
  const resolver = fromProxy(forwardedHeader({ header: "x-cert", encoding: "der-base64" }), { trust });
  const sourcesOf = (certificateResolver: Resolvers["certificateResolver"]) =>
    createCredentialSources({ certificateResolver, schemes: ["Bearer"] });

  test("is tlsCertificate (the default) or a result of fromProxy, but not a function that wraps one", () => {
    expect(sourcesOf(undefined).builtInResolver).toBe(tlsCertificate);
    expect(sourcesOf(tlsCertificate).builtInResolver).toBe(tlsCertificate);
    expect(sourcesOf(resolver).builtInResolver).toBe(resolver);
    expect(sourcesOf((from) => resolver(from)).builtInResolver).toBeUndefined();
    expect(sourcesOf((from) => tlsCertificate(from)).builtInResolver).toBeUndefined();
  });

  const forwarded: NodeRequest = {
    rawHeaders: [...request.rawHeaders, "x-cert", "value", "x-verify", "value"],
    socket: { remoteAddress: "192.0.2.1" },
  };

  test.each<[string, unknown]>([
    ["an error", new Error("x")],
    ["an error with a status", Object.assign(new Error("x"), { status: 401 })],
    ["text", "x"],
    ["undefined", undefined],
  ])(
    "causes an error of the application, with the thrown value as cause, if its format throws %s",
    async (_name, cause) => {
      const raise = (): never => {
        throw cause;
      };
      const decode = () => parseClientCertificate(client.der);
      for (const format of [{ decode: raise }, { decode, verify: { header: "x-verify", success: raise } }]) {
        const certificateResolver = fromProxy({ header: "x-cert", ...format }, { trust });
        const reason = await reasonOf(read({ certificateResolver }, forwarded));
        expectFailure(reason, /certificateResolver/);
        expect((reason as Error).cause).toBe(cause);
      }
    },
  );

  test("causes an error of the application, and no unhandled rejection, if its format returns a promise", async () => {
    const decode = async (): Promise<never> => {
      throw new Error("x");
    };
    const certificateResolver = fromProxy({ header: "x-cert", decode: decode as never }, { trust });
    const reason = await reasonOf(read({ certificateResolver }, forwarded));
    expectFailure(reason, /certificateResolver/);
    expect((reason as Error).cause).toMatchObject({ message: expect.stringMatching(/not a promise/) });
    // Vitest fails on an unhandled rejection.
    await new Promise((resolve) => void setImmediate(resolve));
  });

  test("reads the connection of a framework's request that has no headers", async () => {
    const socket = {
      getPeerX509Certificate: () => parseClientCertificate(client.der)?.x509,
      getProtocol: () => "TLSv1.3",
    };
    const wrapped = { raw: { socket } } as unknown as NodeRequest;
    const { certificate } = await read({ tokenResolver: () => "token", certificateResolver: tlsCertificate }, wrapped);
    expect(certificate).toMatchObject({ thumbprint: client.thumbprint });
  });
});

describe("the connection of a request", () => {
  test("fails every request if renegotiation cannot be disabled on it", async () => {
    const sources = createCredentialSources<NodeRequest>({ schemes: ["Bearer"] });
    const cause = new Error("x");
    const disableRenegotiation = () => {
      throw cause;
    };
    const connection = { ...request, socket: { disableRenegotiation } };
    expect(await reasonOf(readCredentials(connection, sources))).toBe(cause);
    expect(await reasonOf(readCredentials(connection, sources))).toBe(cause);
  });
});

describe("the time limit of a resolver", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const never = () => new Promise(() => {});

  test.each(["certificateResolver", "tokenResolver"])(
    "causes an error of the application after 5 s: %s",
    async (name) => {
      const reason = reasonOf(read({ [name]: never }));
      const settled = vi.fn<() => void>();
      void reason.then(settled);
      await vi.advanceTimersByTimeAsync(4999);
      expect(settled).not.toHaveBeenCalled();
      await vi.advanceTimersByTimeAsync(1);
      expectFailure(await reason, new RegExp(name));
      expect(vi.getTimerCount()).toBe(0);
    },
  );

  test("allows a resolver to settle just before 5 s", async () => {
    const late = () => new Promise((resolve) => void setTimeout(resolve, 4999, client.certificate));
    const reading = read({ certificateResolver: late });
    await vi.advanceTimersByTimeAsync(4999);
    expect((await reading).certificate).toMatchObject({ thumbprint: client.thumbprint });
    expect(vi.getTimerCount()).toBe(0);
  });
});
