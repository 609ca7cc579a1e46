import { mtlsRequest } from "@certbound/testing";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { AccessToken } from "../src/access-token.ts";
import { type AuthenticatorOptions, createAuthenticator } from "../src/authenticator.ts";
import { AccessTokenError } from "../src/errors.ts";
import type { IncomingRequest, NodeRequest } from "../src/http/incoming-request.ts";
import { httpRejection } from "../src/http/rejection.ts";
import type { Requirements } from "../src/requirements.ts";
import { createVerifier } from "../src/verifier.ts";
import { introspectingVerifier } from "./support/introspecting-verifier.ts";
import { outcomeOf, reasonOf, rejectionOf } from "./support/outcome.ts";
import { requestWith } from "./support/requests.ts";
import { startHttp2Server, startHttpsServer } from "./support/tls-server.ts";
import { client, now, startIssuer, thief, verifierOf } from "./support/verification.ts";

const issuer = await startIssuer();
const verifier = verifierOf(issuer);
const token = await issuer.accessToken({ boundTo: client });
const request = requestWith(`Bearer ${token}`);

type Options = AuthenticatorOptions<NodeRequest>;
const present = { certificateResolver: () => client.certificate };

/** Authenticates a request with the verifier of this file. */
async function authenticate(
  options: Partial<Options> = {},
  requirements: Requirements<NodeRequest> = {},
  from: NodeRequest = request,
): Promise<AccessToken> {
  return createAuthenticator({ verifier, ...present, ...options } as Options)(requirements)(from);
}

describe("a request", () => {
  test("is authenticated by its token and its certificate", async () => {
    const accessToken = await authenticate();
    expect(accessToken).toMatchObject({ binding: "verified", claims: { sub: "client-1" }, format: "jwt" });
  });

  test("is authenticated the same way when token and certificate have to be waited for", async () => {
    const waited = (of: { certificate: string }) =>
      authenticate({ tokenResolver: async () => token, certificateResolver: async () => of.certificate });
    expect(await waited(client)).toMatchObject({ binding: "verified", claims: { sub: "client-1" }, format: "jwt" });
    expect(await outcomeOf(waited(thief))).toBe("ERR_BINDING_MISMATCH");
  });

  test("is rejected with the certificate of another, and with none", async () => {
    expect(await outcomeOf(authenticate({ certificateResolver: () => thief.der }))).toBe("ERR_BINDING_MISMATCH");
    expect(await outcomeOf(authenticate({ certificateResolver: () => "" }))).toBe("ERR_CERTIFICATE_MISSING");
    expect(await outcomeOf(authenticate({ certificateResolver: undefined }))).toBe("ERR_CERTIFICATE_MISSING");
  });

  test.each([
    ["no header", [], "ERR_TOKEN_MISSING"],
    ["another scheme", [`Basic ${token}`], "ERR_TOKEN_MISSING"],
    ["the scheme DPoP", [`DPoP ${token}`], "ERR_TOKEN_MISSING"],
    ["no token", ["Bearer"], "ERR_REQUEST_MALFORMED"],
    ["two tokens", [`Bearer ${token} ${token}`], "ERR_REQUEST_MALFORMED"],
    ["two headers", [`Bearer ${token}`, `Bearer ${token}`], "ERR_REQUEST_MALFORMED"],
    ["a token with padding", [`Bearer ${token}=`], "ERR_TOKEN_MALFORMED"],
    ["a signature that is too long", [`Bearer ${token}AA`], "ERR_TOKEN_SIGNATURE"],
  ])("is rejected with %s", async (_name, authorization, code) => {
    expect(await outcomeOf(authenticate({}, {}, requestWith(...authorization)))).toBe(code);
  });

  test("may come with another scheme, where that is configured", async () => {
    const from = requestWith(`MTLS_PoP ${token}`);
    expect(await outcomeOf(authenticate({}, {}, from))).toBe("ERR_TOKEN_MISSING");
    expect(await outcomeOf(authenticate({ schemes: ["Bearer", "mtls_pop"] }, {}, from))).toBe("accepted");
    expect(await outcomeOf(authenticate({ schemes: ["mtls_pop"] }))).toBe("ERR_TOKEN_MISSING");
  });

  test("may carry an opaque token, with every character that a bearer token can have", async () => {
    const asking = { verifier: introspectingVerifier(issuer) };
    const opaque = "-._~+/0aZ==";
    issuer.introspectAs(opaque, { active: true, aud: issuer.audience, cnf: { "x5t#S256": client.thumbprint } });
    const from = requestWith(`Bearer ${opaque}`);
    expect(await authenticate(asking, {}, from)).toMatchObject({ format: "opaque", binding: "verified" });
    expect(await outcomeOf(authenticate({ ...asking, certificateResolver: () => thief.der }, {}, from))).toBe(
      "ERR_BINDING_MISMATCH",
    );
    expect(await outcomeOf(authenticate(asking, {}, requestWith(`Bearer ${opaque}!`)))).toBe("ERR_TOKEN_MALFORMED");
  });

  test("of a framework is unwrapped, and handed to the callbacks as it is", async () => {
    const framework = { raw: request, id: 7 };
    const seen: unknown[] = [];
    const note = (from: IncomingRequest) => {
      seen.push(from);
    };
    const authenticator = createAuthenticator<typeof framework>({
      verifier,
      certificateResolver: (from) => {
        note(from);
        return client.certificate;
      },
      onRejected: (_error, from) => note(from),
    });
    const authorize = (_token: AccessToken, from: typeof framework) => {
      note(from);
      return from.id === 7;
    };
    expect(await outcomeOf(authenticator({ authorize })(framework))).toBe("accepted");
    expect(await outcomeOf(authenticator({ scopes: ["admin"] })(framework))).toBe("ERR_SCOPE_INSUFFICIENT");
    expect(seen).toEqual([framework, framework, framework, framework]);
  });

  test("takes its token from the tokenResolver, at once or later", async () => {
    const from = requestWith();
    for (const tokenResolver of [() => token, async () => token]) {
      expect(await outcomeOf(authenticate({ tokenResolver }, {}, from))).toBe("accepted");
    }
    for (const tokenResolver of [() => null, async () => undefined]) {
      expect(await outcomeOf(authenticate({ tokenResolver }))).toBe("ERR_TOKEN_MISSING");
    }
  });
});

describe("the requirements of a route", () => {
  test("are judged for its requests", async () => {
    expect(await outcomeOf(authenticate({}, { scopes: ["read"] }))).toBe("accepted");
    const error = await rejectionOf(authenticate({}, { scopes: ["read", "admin"] }));
    expect(error).toMatchObject({ code: "ERR_SCOPE_INSUFFICIENT", challenge: { scopes: ["read", "admin"] } });
  });

  test.each<[string, unknown]>([
    ["a binding switched off", { validateCertificateBinding: false }],
    ["a requirement that is undefined", { scopes: undefined }],
    ["an unknown requirement", { scope: ["read"] }],
    ["no scopes at all", { scopes: [] }],
    ["null", null],
    ["a list", ["read"]],
  ])("are a TypeError before the first request: %s", (_name, requirements) => {
    const authenticator = createAuthenticator({ verifier });
    expect(() => authenticator(requirements as never)).toThrow(TypeError);
  });

  test('are a TypeError as soon: "when-bound" beside opaque tokens whose binding is not promised to be told', () => {
    const whenBound = { validateCertificateBinding: "when-bound" } as const;
    const authenticator = createAuthenticator({ verifier: introspectingVerifier(issuer) });
    expect(() => authenticator(whenBound)).toThrow(/returnsConfirmation/);
    expect(() => authenticator({})).not.toThrow();
    const promising = introspectingVerifier(issuer, { returnsConfirmation: true });
    expect(() => createAuthenticator({ verifier: promising })(whenBound)).not.toThrow();
  });

  test("may be left out", async () => {
    const authenticator = createAuthenticator({ verifier, ...present });
    expect(await outcomeOf(authenticator()(request))).toBe("accepted");
    expect(await outcomeOf(authenticator()(requestWith()))).toBe("ERR_TOKEN_MISSING");
  });

  test('do not extend to other routes: "report-only" here says nothing about there', async () => {
    const authenticator = createAuthenticator({ verifier, certificateResolver: () => thief.certificate });
    const reporting = authenticator({ validateCertificateBinding: "report-only" });
    const strict = authenticator();
    expect(await reporting(request)).toMatchObject({
      binding: "rejected",
      bindingError: { code: "ERR_BINDING_MISMATCH" },
    });
    expect(await outcomeOf(strict(request))).toBe("ERR_BINDING_MISMATCH");
    expect(await outcomeOf(reporting(request))).toBe("accepted");
  });
});

describe("a failure of the application", () => {
  test.each<[string, Partial<Options>, Requirements<NodeRequest>]>([
    ["a certificateResolver that throws", { certificateResolver: () => fail(new Error("x")) }, {}],
    [
      "a certificateResolver that throws a rejection",
      { certificateResolver: () => fail(new AccessTokenError("ERR_CERTIFICATE_MISSING")) },
      {},
    ],
    ["a certificateResolver that gives a number", { certificateResolver: (() => 5) as never }, {}],
    [
      "a certificateResolver that returns an error of the token",
      { certificateResolver: () => new AccessTokenError("ERR_TOKEN_EXPIRED") },
      {},
    ],
    ["a tokenResolver that throws", { tokenResolver: () => fail(new Error("x")) }, {}],
    [
      "a tokenResolver that throws a rejection",
      { tokenResolver: () => fail(new AccessTokenError("ERR_TOKEN_MISSING")) },
      {},
    ],
    ["authorize that throws", {}, { authorize: () => fail(new Error("x")) }],
    ["authorize that throws a rejection", {}, { authorize: () => fail(new AccessTokenError("ERR_ACCESS_DENIED")) }],
    ["authorize that gives no boolean", {}, { authorize: (() => "yes") as never }],
  ])("is neither a rejection nor heard by onRejected: %s", async (_name, options, requirements) => {
    const onRejected = vi.fn<() => void>();
    const reason = await reasonOf(authenticate({ ...options, onRejected }, requirements));
    expect(reason).toBeInstanceOf(Error);
    expect(reason).not.toBeInstanceOf(AccessTokenError);
    expect(onRejected).not.toHaveBeenCalled();
  });

  function fail(error: Error): never {
    throw error;
  }

  describe("with a fake timer", () => {
    beforeEach(() => {
      vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    });
    afterEach(() => {
      vi.useRealTimers();
    });

    test("is a certificateResolver that has not settled after 5 s", async () => {
      const reason = reasonOf(authenticate({ certificateResolver: () => new Promise<null>(() => {}) }));
      await vi.advanceTimersByTimeAsync(5000);
      expect(await reason).not.toBeInstanceOf(AccessTokenError);
      expect(await reason).toMatchObject({ message: expect.stringContaining("certificateResolver") });
    });
  });
});

describe("onRejected", () => {
  test("hears of every rejected request once, and of no other", async () => {
    const onRejected = vi.fn<(error: AccessTokenError, from: NodeRequest) => void>();
    const error = await rejectionOf(authenticate({ onRejected, certificateResolver: () => thief.certificate }));
    expect(onRejected.mock.calls).toEqual([[error, request]]);
    expect(onRejected.mock.calls[0]?.[0]).toBe(error);
    const without = requestWith();
    const missing = await rejectionOf(authenticate({ onRejected }, {}, without));
    expect(onRejected.mock.calls[1]).toEqual([missing, without]);
    await authenticate({ onRejected });
    expect(onRejected).toHaveBeenCalledTimes(2);
  });

  test("that throws makes the rejection an error of the application, never an acceptance", async () => {
    const cause = new Error("log");
    const throwing = (): never => {
      throw cause;
    };
    const rejecting: () => unknown = async () => throwing();
    for (const onRejected of [throwing, rejecting]) {
      const reason = await reasonOf(authenticate({ onRejected }, {}, requestWith()));
      expect(reason).not.toBeInstanceOf(AccessTokenError);
      expect(reason).toMatchObject({ cause, message: expect.stringContaining("onRejected") });
    }
  });
});

describe("the verifier", () => {
  test("is the one that was given, and shared", () => {
    expect(createAuthenticator({ verifier }).verifier).toBe(verifier);
  });

  test("is created from the options otherwise", async () => {
    const { issuer: identifier, audience, jwks } = issuer;
    const authenticator = createAuthenticator({ issuer: identifier, audience, jwks, clock: () => now, ...present });
    expect(await outcomeOf(authenticator()(request))).toBe("accepted");
    const verifying = authenticator.verifier.verify(token, { clientCertificate: thief.certificate });
    expect(await outcomeOf(verifying)).toBe("ERR_BINDING_MISMATCH");
  });

  test.each<[string, unknown]>([
    ["issuer", "https://issuer.example"],
    ["audience", "https://api.example"],
    ["jwks", "https://issuer.example/jwks"],
    ["algorithms", ["ES256"]],
    ["tokenTypes", ["at+jwt"]],
    ["clockTolerance", 5],
    ["maxTokenAge", 300],
    ["fetch", fetch],
    ["clock", Date.now],
  ])("excludes the option %s, which configures one", (name, value) => {
    expect(() => createAuthenticator({ verifier, [name]: value })).toThrow(TypeError);
    expect(() => createAuthenticator({ verifier, [name]: value })).toThrow(name);
    expect(() => createAuthenticator({ verifier, [name]: undefined })).not.toThrow();
  });

  test.each<[string, unknown]>([
    ["an object with the same methods", { verify: async () => ({ claims: {} }), ready: async () => {} }],
    ["a copy", { ...verifier }],
    ["an object that inherits from one", Object.create(verifier)],
    ["a proxy of one", new Proxy(verifier, {})],
    ["an empty object", {}],
    ["null", null],
    ["a function", () => true],
    ["a list", [verifier]],
  ])("must come from createVerifier: %s is a TypeError", (_name, fake) => {
    expect(() => createAuthenticator({ verifier: fake } as never)).toThrow(TypeError);
    expect(() => createAuthenticator({ verifier: fake } as never)).toThrow(/verifier.*createVerifier/);
  });

  test("may be shared by several authenticators", async () => {
    const own = createVerifier({ issuer: issuer.issuer, audience: null, jwks: issuer.jwks, clock: () => now });
    const [first, second] = [
      createAuthenticator({ verifier: own, ...present }),
      createAuthenticator({ verifier: own }),
    ];
    expect(await outcomeOf(first()(request))).toBe("accepted");
    expect(await outcomeOf(second()(request))).toBe("ERR_CERTIFICATE_MISSING");
  });
});

describe("the options", () => {
  test.each<[string, unknown]>([
    ["certificateResolver", "tls"],
    ["certificateResolver", null],
    ["tokenResolver", {}],
    ["onRejected", true],
    ["realm", 'a"b'],
    ["schemes", []],
    ["schemes", ["DPoP"]],
    ["schemes", ["Basic"]],
    ["resource", "http://api.example"],
    ["resolver", () => null],
    ["validateCertificateBinding", false],
    ["Issuer", "https://issuer.example"],
  ])("are a TypeError that names %s when it is wrong or unknown", (name, value) => {
    expect(() => createAuthenticator({ verifier, [name]: value })).toThrow(TypeError);
    expect(() => createAuthenticator({ verifier, [name]: value })).toThrow(name);
  });

  test("that say how to answer may accompany a verifier", () => {
    expect(() =>
      createAuthenticator({ verifier, realm: "orders", schemes: ["Bearer"], resource: "https://api.example" }),
    ).not.toThrow();
  });

  test.each([[null], ["x"], [5], [[]]])("are an object, not %j", (options) => {
    expect(() => createAuthenticator(options as never)).toThrow(TypeError);
  });
});

describe.each([
  ["node:https", startHttpsServer, 1],
  ["node:http2", startHttp2Server, 2],
] as const)("%s", (_name, start, httpVersion) => {
  test("is protected with the certificate of its own connections", async () => {
    const authenticated = createAuthenticator({ verifier })({ scopes: ["read"] });
    const { url, ca } = await start((incoming, response) => {
      authenticated(incoming).then(
        ({ claims }) => {
          response.end(String(claims.sub));
        },
        (error: unknown) => {
          const { status, headers, body } = httpRejection(error as AccessTokenError);
          response.writeHead(status, { ...headers }).end(JSON.stringify(body));
        },
      );
    });
    const ask = async (options: Partial<Parameters<typeof mtlsRequest>[1]>) => {
      const { status, body, headers } = await mtlsRequest(url, { ca, httpVersion, ...options });
      return { status, body, challenge: headers["www-authenticate"] };
    };
    const rejected = { status: 401, body: '{"message":"unauthorized"}' };
    expect(await ask({ token, identity: client })).toMatchObject({ status: 200, body: "client-1" });
    expect(await ask({ token, identity: thief })).toMatchObject({
      ...rejected,
      challenge: expect.stringContaining('error="invalid_token"'),
    });
    expect(await ask({ token })).toMatchObject(rejected);
    expect(await ask({ identity: client })).toEqual({ ...rejected, challenge: 'Bearer realm="api"' });
  });
});
