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
  test("is authenticated by its token and certificate", async () => {
    const accessToken = await authenticate();
    expect(accessToken).toMatchObject({ binding: "verified", claims: { sub: "client-1" }, format: "jwt" });
  });

  test("is authenticated in the same way when the resolvers return promises", async () => {
    const resolvedLater = (identity: { certificate: string }) =>
      authenticate({ tokenResolver: async () => token, certificateResolver: async () => identity.certificate });
    expect(await resolvedLater(client)).toMatchObject({
      binding: "verified",
      claims: { sub: "client-1" },
      format: "jwt",
    });
    expect(await outcomeOf(resolvedLater(thief))).toBe("ERR_BINDING_MISMATCH");
  });

  test("is rejected with another certificate and without a certificate", async () => {
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

  test("may use another scheme if it is configured", async () => {
    const from = requestWith(`MTLS_PoP ${token}`);
    expect(await outcomeOf(authenticate({}, {}, from))).toBe("ERR_TOKEN_MISSING");
    expect(await outcomeOf(authenticate({ schemes: ["Bearer", "mtls_pop"] }, {}, from))).toBe("accepted");
    expect(await outcomeOf(authenticate({ schemes: ["mtls_pop"] }))).toBe("ERR_TOKEN_MISSING");
  });

  test("may have an opaque token with every character that is valid in a bearer token", async () => {
    const introspecting = { verifier: introspectingVerifier(issuer) };
    const opaque = "-._~+/0aZ==";
    issuer.introspectAs(opaque, { active: true, aud: issuer.audience, cnf: { "x5t#S256": client.thumbprint } });
    const from = requestWith(`Bearer ${opaque}`);
    expect(await authenticate(introspecting, {}, from)).toMatchObject({ format: "opaque", binding: "verified" });
    expect(await outcomeOf(authenticate({ ...introspecting, certificateResolver: () => thief.der }, {}, from))).toBe(
      "ERR_BINDING_MISMATCH",
    );
    expect(await outcomeOf(authenticate(introspecting, {}, requestWith(`Bearer ${opaque}!`)))).toBe(
      "ERR_TOKEN_MALFORMED",
    );
  });

  test("of a framework is unwrapped, and is passed to the callbacks unchanged", async () => {
    const framework = { raw: request, id: 7 };
    const seen: unknown[] = [];
    const record = (from: IncomingRequest) => {
      seen.push(from);
    };
    const authenticator = createAuthenticator<typeof framework>({
      verifier,
      certificateResolver: (from) => {
        record(from);
        return client.certificate;
      },
      onRejected: (_error, from) => record(from),
    });
    const authorize = (_token: AccessToken, from: typeof framework) => {
      record(from);
      return from.id === 7;
    };
    expect(await outcomeOf(authenticator({ authorize })(framework))).toBe("accepted");
    expect(await outcomeOf(authenticator({ scopes: ["admin"] })(framework))).toBe("ERR_SCOPE_INSUFFICIENT");
    expect(seen).toEqual([framework, framework, framework, framework]);
  });

  test("gets its token from a synchronous or asynchronous tokenResolver", async () => {
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
  test("are checked for its requests", async () => {
    expect(await outcomeOf(authenticate({}, { scopes: ["read"] }))).toBe("accepted");
    const error = await rejectionOf(authenticate({}, { scopes: ["read", "admin"] }));
    expect(error).toMatchObject({ code: "ERR_SCOPE_INSUFFICIENT", challenge: { scopes: ["read", "admin"] } });
  });

  test.each<[string, unknown]>([
    ["a disabled binding", { validateCertificateBinding: false }],
    ["a requirement that is undefined", { scopes: undefined }],
    ["an unknown requirement", { scope: ["read"] }],
    ["an empty list of scopes", { scopes: [] }],
    ["null", null],
    ["a list", ["read"]],
  ])("are rejected with a TypeError when the route is created: %s", (_name, requirements) => {
    const authenticator = createAuthenticator({ verifier });
    expect(() => authenticator(requirements as never)).toThrow(TypeError);
  });

  test('are rejected when the route is created: "when-bound" with opaque tokens but without returnsConfirmation', () => {
    const whenBound = { validateCertificateBinding: "when-bound" } as const;
    const authenticator = createAuthenticator({ verifier: introspectingVerifier(issuer) });
    expect(() => authenticator(whenBound)).toThrow(/returnsConfirmation/);
    expect(() => authenticator({})).not.toThrow();
    const confirming = introspectingVerifier(issuer, { returnsConfirmation: true });
    expect(() => createAuthenticator({ verifier: confirming })(whenBound)).not.toThrow();
  });

  test("may be omitted", async () => {
    const authenticator = createAuthenticator({ verifier, ...present });
    expect(await outcomeOf(authenticator()(request))).toBe("accepted");
    expect(await outcomeOf(authenticator()(requestWith()))).toBe("ERR_TOKEN_MISSING");
  });

  test('do not affect other routes: "report-only" applies to one route only', async () => {
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

describe("an error of the application", () => {
  test.each<[string, Partial<Options>, Requirements<NodeRequest>]>([
    ["a certificateResolver that throws", { certificateResolver: () => fail(new Error("x")) }, {}],
    [
      "a certificateResolver that throws a rejection",
      { certificateResolver: () => fail(new AccessTokenError("ERR_CERTIFICATE_MISSING")) },
      {},
    ],
    ["a certificateResolver that returns a number", { certificateResolver: (() => 5) as never }, {}],
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
    ["an authorize that throws", {}, { authorize: () => fail(new Error("x")) }],
    ["an authorize that throws a rejection", {}, { authorize: () => fail(new AccessTokenError("ERR_ACCESS_DENIED")) }],
    ["an authorize that does not return a boolean", {}, { authorize: (() => "yes") as never }],
  ])("is not a rejection and does not call onRejected: %s", async (_name, options, requirements) => {
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

    test("occurs if a certificateResolver has not settled after 5 s", async () => {
      const reason = reasonOf(authenticate({ certificateResolver: () => new Promise<null>(() => {}) }));
      await vi.advanceTimersByTimeAsync(5000);
      expect(await reason).not.toBeInstanceOf(AccessTokenError);
      expect(await reason).toMatchObject({ message: expect.stringContaining("certificateResolver") });
    });
  });
});

describe("onRejected", () => {
  test("is called once for every rejected request, and not for accepted requests", async () => {
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

  test("turns the rejection into an error of the application if it throws", async () => {
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
  test("is the shared verifier if one is passed", () => {
    expect(createAuthenticator({ verifier }).verifier).toBe(verifier);
  });

  test("is created from the options if none is passed", async () => {
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
  ])("cannot be combined with the option %s", (name, value) => {
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
  ])("must come from createVerifier: %s is rejected with a TypeError", (_name, fake) => {
    expect(() => createAuthenticator({ verifier: fake } as never)).toThrow(TypeError);
    expect(() => createAuthenticator({ verifier: fake } as never)).toThrow(/verifier.*createVerifier/);
  });

  test("can be shared by several authenticators", async () => {
    const shared = createVerifier({ issuer: issuer.issuer, audience: null, jwks: issuer.jwks, clock: () => now });
    const [first, second] = [
      createAuthenticator({ verifier: shared, ...present }),
      createAuthenticator({ verifier: shared }),
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
  ])("are rejected with a TypeError that names %s if it is invalid or unknown", (name, value) => {
    expect(() => createAuthenticator({ verifier, [name]: value })).toThrow(TypeError);
    expect(() => createAuthenticator({ verifier, [name]: value })).toThrow(name);
  });

  test("that configure the response can be combined with a verifier", () => {
    expect(() =>
      createAuthenticator({ verifier, realm: "orders", schemes: ["Bearer"], resource: "https://api.example" }),
    ).not.toThrow();
  });

  test.each([[null], ["x"], [5], [[]]])("must be an object, not %j", (options) => {
    expect(() => createAuthenticator(options as never)).toThrow(TypeError);
  });
});

describe.each([
  ["node:https", startHttpsServer, 1],
  ["node:http2", startHttp2Server, 2],
] as const)("%s", (_name, start, httpVersion) => {
  test("is protected with the client certificates of its connections", async () => {
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
    const send = async (options: Partial<Parameters<typeof mtlsRequest>[1]>) => {
      const { status, body, headers } = await mtlsRequest(url, { ca, httpVersion, ...options });
      return { status, body, challenge: headers["www-authenticate"] };
    };
    const rejected = { status: 401, body: '{"message":"unauthorized"}' };
    expect(await send({ token, identity: client })).toMatchObject({ status: 200, body: "client-1" });
    expect(await send({ token, identity: thief })).toMatchObject({
      ...rejected,
      challenge: expect.stringContaining('error="invalid_token"'),
    });
    expect(await send({ token })).toMatchObject(rejected);
    expect(await send({ identity: client })).toEqual({ ...rejected, challenge: 'Bearer realm="api"' });
  });
});
