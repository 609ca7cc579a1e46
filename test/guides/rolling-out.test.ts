import { unsubscribe } from "node:diagnostics_channel";
import {
  type AccessTokenError,
  type AccessTokenErrorCode,
  type BindingMode,
  createAuthenticator,
  createVerifier,
} from "@certbound/core";
import {
  type AccessTokenOptions,
  createCertificateAuthority,
  createIssuer,
  type Identity,
  mtlsRequest,
  type RunningServer,
  startServer,
  tamperSignature,
} from "@certbound/testing";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { setEnvironment } from "./environment.ts";
import { count, counts } from "./rolling-out-counts.ts";

// The guide does not set a clock, so it and the issuer use the clock of this machine.
const [ca, issuer] = await Promise.all([createCertificateAuthority(), createIssuer()]);
const [host, client, thief] = await Promise.all([
  ca.issueServerCertificate(),
  ca.issueClientCertificate(),
  ca.issueClientCertificate(),
]);
setEnvironment({ issuer, host });

const warn = vi.spyOn(console, "warn").mockReturnValue();
let api: RunningServer;
beforeAll(async () => {
  const { server } = await import("./rolling-out-server.ts");
  api = await startServer(server);
});
beforeEach(() => {
  counts.clear();
  warn.mockClear();
});
afterAll(async () => {
  unsubscribe("certbound:decision", count);
  warn.mockRestore();
  await Promise.all([api.close(), issuer.close()]);
});

async function requestWith(
  path: string,
  identity: Identity | undefined,
  options: AccessTokenOptions,
): Promise<unknown> {
  const token = await issuer.accessToken(options);
  return request(path, identity, token);
}

async function request(path: string, identity: Identity | undefined, token: string): Promise<unknown> {
  const options = { ca: ca.certificate, token, ...(identity && { identity }) };
  const { status, body } = await mtlsRequest(`${api.url}${path}`, options);
  return status === 200 ? JSON.parse(body) : status;
}

const bound: AccessTokenOptions = { boundTo: client };
const unbound: AccessTokenOptions = {};

describe("under report-only", () => {
  test.each<[string, Identity | undefined, AccessTokenOptions, AccessTokenErrorCode]>([
    ["a client without a certificate", undefined, unbound, "ERR_CERTIFICATE_MISSING"],
    ["a client whose token is not bound", client, unbound, "ERR_BINDING_REQUIRED"],
    ["a client with another certificate", thief, bound, "ERR_BINDING_MISMATCH"],
    ["a client whose token is bound by DPoP", client, { claims: { cnf: { jkt: "x" } } }, "ERR_BINDING_UNSUPPORTED"],
  ])("%s is accepted, counted and logged", async (_client, identity, options, code) => {
    expect(await requestWith("/accounts", identity, options)).toEqual({ binding: "rejected" });
    expect([...counts]).toEqual([[`reported ${code} client-1`, 1]]);
    expect(warn).toHaveBeenCalledExactlyOnceWith(expect.stringContaining(`client-1 ${code}`));
  });

  test("a client with a bound token is counted as accepted", async () => {
    expect(await requestWith("/accounts", client, bound)).toEqual({ binding: "verified" });
    expect([...counts]).toEqual([["accepted - client-1", 1]]);
    expect(warn).not.toHaveBeenCalled();
  });

  test("an invalid token is rejected", async () => {
    expect(await requestWith("/accounts", client, { ...bound, expiresIn: -60 })).toBe(401);
    expect(await request("/accounts", client, tamperSignature(await issuer.accessToken(bound)))).toBe(401);
    expect([...counts.keys()]).toEqual(["rejected ERR_TOKEN_EXPIRED unknown", "rejected ERR_TOKEN_SIGNATURE unknown"]);
  });
});

describe("under when-bound", () => {
  test("a bound token must match the certificate", async () => {
    expect(await requestWith("/payments", client, bound)).toEqual({ binding: "verified" });
    expect(await requestWith("/payments", thief, bound)).toBe(401);
    expect(await requestWith("/payments", undefined, bound)).toBe(401);
  });

  test("an unbound token is accepted only from the listed clients", async () => {
    expect(await requestWith("/payments", undefined, unbound)).toEqual({ binding: "unbound" });
    expect(await requestWith("/payments", undefined, { claims: { client_id: "client-2" } })).toBe(403);
    expect(await requestWith("/payments", client, { boundTo: client, claims: { client_id: "client-2" } })).toEqual({
      binding: "verified",
    });
  });

  test("the clients of Keycloak and Auth0 are identified by azp", async () => {
    const azpOnly = (azp: unknown, additionalClaims: object = {}): AccessTokenOptions => ({
      header: { typ: "JWT" },
      claims: { client_id: undefined, azp, ...additionalClaims },
    });
    expect(await requestWith("/payments", undefined, azpOnly("reports"))).toEqual({ binding: "unbound" });
    for (const azp of ["client-2", "", ["reports"], undefined, null]) {
      expect(await requestWith("/payments", undefined, azpOnly(azp))).toBe(403);
    }
    expect(await requestWith("/payments", undefined, azpOnly("reports", { client_id: "client-2" }))).toBe(403);
    expect(await requestWith("/payments", client, { ...azpOnly("client-2"), ...bound })).toEqual({
      binding: "verified",
    });
    expect(counts.get("accepted - reports")).toBe(1);
    expect(await requestWith("/accounts", undefined, azpOnly("reports"))).toEqual({ binding: "rejected" });
    expect(warn).toHaveBeenCalledExactlyOnceWith(expect.stringContaining("reports ERR_CERTIFICATE_MISSING"));
  });

  test("unbound and verified tokens are both counted as accepted", async () => {
    await requestWith("/payments", undefined, unbound);
    await requestWith("/payments", client, bound);
    expect([...counts]).toEqual([["accepted - client-1", 2]]);
  });
});

test("a required binding accepts only bound tokens", async () => {
  expect(await requestWith("/transfers", client, bound)).toEqual({ binding: "verified" });
  expect(await requestWith("/transfers", client, unbound)).toBe(401);
  expect(await requestWith("/transfers", thief, bound)).toBe(401);
});

describe("the type of a token", () => {
  const { issuer: identifier, audience } = issuer;
  const verifier = createVerifier({ issuer: identifier, audience, jwks: issuer.jwks });
  const outcome = async (typ: string | undefined, validateCertificateBinding: BindingMode, claims = {}) => {
    const token = await issuer.accessToken({ boundTo: client, header: { typ }, claims });
    const verification = verifier.verify(token, { clientCertificate: client.certificate, validateCertificateBinding });
    return verification.then(
      ({ binding }) => binding,
      (error: unknown) => (error as AccessTokenError).code,
    );
  };

  test.each<[BindingMode, string]>([
    [true, "verified"],
    ["when-bound", "ERR_TOKEN_TYPE"],
    ["report-only", "ERR_TOKEN_TYPE"],
  ])("is checked more strictly by default unless validateCertificateBinding is true: %j", async (mode, generic) => {
    expect(await outcome("at+jwt", mode)).toBe("verified");
    expect(await outcome("JWT", mode)).toBe(generic);
    expect(await outcome(undefined, mode)).toBe(generic);
    expect(await outcome("JWT", mode, { nonce: "n" })).toBe(generic);
    expect(await outcome("JWT", mode, { at_hash: "h" })).toBe("ERR_TOKEN_TYPE");
  });
});

test("bound tokens look unbound if the issuer omits cnf from its introspection responses", async () => {
  const { issuer: identifier, audience, introspectionClient } = issuer;
  const verifier = createVerifier({ issuer: identifier, audience, introspection: introspectionClient });
  const outcome = async (cnf: object | undefined) => {
    const token = await issuer.opaqueToken(bound);
    issuer.introspectAs(token, { active: true, aud: audience, ...(cnf && { cnf }) });
    const use = { clientCertificate: client.certificate, validateCertificateBinding: "report-only" } as const;
    const accessToken = await verifier.verify(token, use);
    return accessToken.binding === "rejected" ? accessToken.bindingError.code : accessToken.binding;
  };
  expect(await outcome({ "x5t#S256": client.thumbprint })).toBe("verified");
  expect(await outcome(undefined)).toBe("ERR_BINDING_REQUIRED");
});

test.each<[string, () => unknown, RegExp]>([
  [
    "with opaque tokens and without returnsConfirmation",
    () => {
      const introspection = { clientId: "api", clientSecret: "secret" };
      const { issuer: identifier, audience } = issuer;
      createAuthenticator({ issuer: identifier, audience, introspection })({
        validateCertificateBinding: "when-bound",
      });
    },
    /returnsConfirmation/,
  ],
  [
    "with the profile fapi2",
    () => {
      const { issuer: identifier, audience } = issuer;
      const authenticator = createAuthenticator({ issuer: identifier, audience, profile: "fapi2", maxTokenAge: 600 });
      authenticator({ validateCertificateBinding: "report-only" });
    },
    /the profile requires bound tokens/,
  ],
])("%s: a route with an optional binding causes a TypeError", (_options, configure, message) => {
  expect(configure).toThrow(TypeError);
  expect(configure).toThrow(message);
});
