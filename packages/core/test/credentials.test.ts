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

/** Reads the credentials of a request with resolvers, which may be of types that TypeScript would not let pass. */
async function read(
  resolvers: { readonly tokenResolver?: unknown; readonly certificateResolver?: unknown },
  from: NodeRequest = request,
): Promise<Credentials> {
  const { tokenResolver, certificateResolver = () => null } = resolvers as Resolvers;
  return readCredentials(from, createCredentialSources({ tokenResolver, certificateResolver, schemes: ["Bearer"] }));
}

/** The same value in every way that a resolver can give it. */
function resolversOf(value: unknown): readonly (() => unknown)[] {
  // oxlint-disable-next-line unicorn/no-thenable -- a promise of another library
  const thenable = { then: (resolve: (given: unknown) => void) => resolve(value) };
  return [() => value, async () => value, () => thenable];
}

/** The same failure in every way that a resolver can have it. */
function failing(cause: unknown): readonly (() => unknown)[] {
  const throwing = (): never => {
    throw cause;
  };
  return [throwing, async () => throwing()];
}

/** A failure of the application: neither a rejection, nor without a word about where it happened. */
function expectFailure(reason: unknown, about: RegExp): void {
  expect(reason).toBeInstanceOf(Error);
  expect(reason).not.toBeInstanceOf(AccessTokenError);
  expect((reason as Error).message).toMatch(about);
}

describe("the certificate resolver", () => {
  test.each([
    ["PEM", client.certificate],
    ["base64 DER", Buffer.from(client.der).toString("base64")],
    ["DER", client.der],
    ["a thumbprint", { thumbprint: client.thumbprint }],
  ])("gives the certificate as %s, at once or later", async (_name, value) => {
    for (const certificateResolver of resolversOf(value)) {
      const { token, certificate } = await read({ certificateResolver });
      expect(token).toBe("token");
      expect(certificate).toMatchObject({ thumbprint: client.thumbprint });
    }
  });

  test.each([[null], [undefined], [""]])("says by %j that the client presented none", async (value) => {
    for (const certificateResolver of resolversOf(value)) {
      expect((await read({ certificateResolver })).certificate).toMatchObject({ code: "ERR_CERTIFICATE_MISSING" });
    }
  });

  test.each(["ERR_CERTIFICATE_MISSING", "ERR_CERTIFICATE_MALFORMED", "ERR_CERTIFICATE_UNTRUSTED"] as const)(
    "says by returning an error with %s why there is none",
    async (code) => {
      const error = new AccessTokenError(code, { detail: "the proxy is unknown" });
      for (const certificateResolver of resolversOf(error)) {
        expect((await read({ certificateResolver })).certificate).toBe(error);
      }
    },
  );

  test("gives text that is no certificate, which is the client's or the proxy's fault", async () => {
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
    ["what getPeerCertificate() gives without a certificate", Object.create(null)],
  ])("that gives %s is at fault, not the client", async (_name, value) => {
    for (const certificateResolver of resolversOf(value)) {
      expectFailure(await reasonOf(read({ certificateResolver })), /certificate/);
    }
  });

  test.each(["ERR_TOKEN_MISSING", "ERR_TOKEN_EXPIRED", "ERR_BINDING_REQUIRED", "ERR_KEYS_UNAVAILABLE"] as const)(
    "that returns an error with %s is at fault",
    async (code) => {
      for (const certificateResolver of resolversOf(new AccessTokenError(code))) {
        expectFailure(await reasonOf(read({ certificateResolver })), /certificateResolver.*ERR_CERTIFICATE_/);
      }
    },
  );

  test.each<[string, unknown]>([
    ["an error", new Error("x")],
    ["a rejection", new AccessTokenError("ERR_TOKEN_EXPIRED")],
    ["a rejection that it may return", new AccessTokenError("ERR_CERTIFICATE_MISSING")],
    ["text", "x"],
    ["undefined", undefined],
  ])("that throws %s is at fault, and what it threw is the cause", async (_name, cause) => {
    for (const certificateResolver of failing(cause)) {
      const reason = await reasonOf(read({ certificateResolver }));
      expectFailure(reason, /certificateResolver/);
      expect((reason as Error).cause).toBe(cause);
    }
  });

  test("is asked once, with the request", async () => {
    const certificateResolver = vi.fn<(from: NodeRequest) => null>(() => null);
    await read({ certificateResolver });
    expect(certificateResolver.mock.calls).toEqual([[request]]);
  });

  test("is asked in the turn in which the request came, even when the token comes later", async () => {
    const certificateResolver = vi.fn<() => null>(() => null);
    const reading = read({ certificateResolver, tokenResolver: () => Promise.resolve("token") });
    expect(certificateResolver).toHaveBeenCalledOnce();
    await reading;
  });

  test("is not asked for a request without a token", async () => {
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

describe("the token resolver", () => {
  test("gives the token instead of the header, at once or later", async () => {
    for (const from of [request, requestWith(), requestWith("Bearer a", "Bearer b")]) {
      for (const tokenResolver of resolversOf("other")) {
        expect((await read({ tokenResolver }, from)).token).toBe("other");
      }
    }
  });

  test.each([[null], [undefined], [""]])("says by %j that there is none, whatever the header says", async (value) => {
    for (const tokenResolver of resolversOf(value)) {
      expect(await outcomeOf(read({ tokenResolver }))).toBe("ERR_TOKEN_MISSING");
    }
  });

  test.each<[unknown]>([[5], [true], [false], [{}], [["token"]], [Buffer.from("token")], [() => "token"]])(
    "that gives something else than text is at fault: %s",
    async (value) => {
      for (const tokenResolver of resolversOf(value)) {
        expectFailure(await reasonOf(read({ tokenResolver })), /tokenResolver/);
      }
    },
  );

  test.each<[string, unknown]>([
    ["an error", new Error("x")],
    ["a rejection", new AccessTokenError("ERR_TOKEN_MISSING")],
  ])("that throws %s is at fault, and what it threw is the cause", async (_name, cause) => {
    for (const tokenResolver of failing(cause)) {
      const reason = await reasonOf(read({ tokenResolver }));
      expectFailure(reason, /tokenResolver/);
      expect((reason as Error).cause).toBe(cause);
    }
  });

  test("is asked once, with the request", async () => {
    const tokenResolver = vi.fn<(from: NodeRequest) => string>(() => "token");
    await read({ tokenResolver });
    expect(tokenResolver.mock.calls).toEqual([[request]]);
  });

  test("that finds none, and a certificate resolver that fails later, leave no rejection unhandled", async () => {
    const certificateResolver = async () => {
      await new Promise((resolve) => void setImmediate(resolve));
      throw new Error("x");
    };
    const error = await rejectionOf(read({ tokenResolver: async () => null, certificateResolver }));
    expect(error.code).toBe("ERR_TOKEN_MISSING");
  });

  test("that finds none decides, also when the certificate resolver failed before", async () => {
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

describe("without a token resolver", () => {
  test("the token is that of the Authorization header, and of no other place", async () => {
    expect((await read({}, requestWith("bearer  a.b.c"))).token).toBe("a.b.c");
    const elsewhere = {
      rawHeaders: ["Proxy-Authorization", "Bearer a", "X-Forwarded-Authorization", "Bearer b"],
      socket: {},
    };
    expect(await outcomeOf(read({}, elsewhere))).toBe("ERR_TOKEN_MISSING");
  });
});

describe("an incomplete header list", () => {
  const certificateResolver = fromProxy(forwardedHeader({ header: "x-cert", encoding: "der-base64" }), {
    trust: { addresses: ["192.0.2.1"] },
  });
  const among = (count: number): NodeRequest => {
    const headers = ["Authorization", "Bearer token", "x-cert", Buffer.from(client.der).toString("base64")];
    const rawHeaders = [...headers, ...Array.from({ length: count - 2 }, () => ["a", ""]).flat()];
    return { rawHeaders, socket: { remoteAddress: "192.0.2.1" } };
  };

  test("is an error of the request where the token is read from it", async () => {
    expect(await outcomeOf(read({ certificateResolver }, among(1000)))).toBe("ERR_REQUEST_MALFORMED");
    expect(await outcomeOf(read({}, among(1000)))).toBe("ERR_REQUEST_MALFORMED");
    expect((await read({ certificateResolver }, among(999))).certificate).toMatchObject({
      thumbprint: client.thumbprint,
    });
  });

  test("is an error of the certificate where that alone is read from it", async () => {
    for (const tokenResolver of resolversOf("token")) {
      const { certificate } = await read({ tokenResolver, certificateResolver }, among(1000));
      expect(certificate).toMatchObject({ code: "ERR_CERTIFICATE_MALFORMED" });
      const complete = await read({ tokenResolver, certificateResolver }, among(999));
      expect(complete.certificate).toMatchObject({ thumbprint: client.thumbprint });
    }
  });

  test("does not matter where nothing is read from it", async () => {
    const { token, certificate } = await read(
      { tokenResolver: () => "token", certificateResolver: () => client.der },
      among(1000),
    );
    expect(token).toBe("token");
    expect(certificate).toMatchObject({ thumbprint: client.thumbprint });
  });
});

describe("a resolver of this package", () => {
  const trust = { addresses: ["192.0.2.1"] };
  const resolver = fromProxy(forwardedHeader({ header: "x-cert", encoding: "der-base64" }), { trust });
  const sourcesOf = (certificateResolver: Resolvers["certificateResolver"]) =>
    createCredentialSources({ certificateResolver, schemes: ["Bearer"] });

  test("is the default, tlsCertificate, or one that fromProxy made, and not a function around one", () => {
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
  ])("whose format throws %s is at fault, and what it threw is the cause", async (_name, cause) => {
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
  });

  test("whose format returns a promise is at fault, and a promise that rejects is handled", async () => {
    const decode = async (): Promise<never> => {
      throw new Error("x");
    };
    const certificateResolver = fromProxy({ header: "x-cert", decode: decode as never }, { trust });
    const reason = await reasonOf(read({ certificateResolver }, forwarded));
    expectFailure(reason, /certificateResolver/);
    expect((reason as Error).cause).toMatchObject({ message: expect.stringMatching(/not a promise/) });
    // Vitest fails for a rejection that is not handled.
    await new Promise((resolve) => void setImmediate(resolve));
  });

  test("reads the connection of a request that a framework holds, without any headers", async () => {
    const socket = {
      getPeerX509Certificate: () => parseClientCertificate(client.der)?.x509,
      getProtocol: () => "TLSv1.3",
    };
    const held = { raw: { socket } } as unknown as NodeRequest;
    const { certificate } = await read({ tokenResolver: () => "token", certificateResolver: tlsCertificate }, held);
    expect(certificate).toMatchObject({ thumbprint: client.thumbprint });
  });
});

describe("the connection of a request", () => {
  test("fails every request whose connection cannot be kept from renegotiating", async () => {
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

describe("a resolver that never settles", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const never = () => new Promise(() => {});

  test.each(["certificateResolver", "tokenResolver"])("is at fault after 5 s: %s", async (name) => {
    const reason = reasonOf(read({ [name]: never }));
    const ended = vi.fn<() => void>();
    void reason.then(ended);
    await vi.advanceTimersByTimeAsync(4999);
    expect(ended).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expectFailure(await reason, new RegExp(name));
    expect(vi.getTimerCount()).toBe(0);
  });

  test("is unlike one that settles before", async () => {
    const late = () => new Promise((resolve) => void setTimeout(resolve, 4999, client.certificate));
    const reading = read({ certificateResolver: late });
    await vi.advanceTimersByTimeAsync(4999);
    expect((await reading).certificate).toMatchObject({ thumbprint: client.thumbprint });
    expect(vi.getTimerCount()).toBe(0);
  });
});
