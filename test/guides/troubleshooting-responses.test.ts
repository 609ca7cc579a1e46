import { constants } from "node:crypto";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:https";
import { join } from "node:path";
import {
  type AccessTokenError,
  type AuthenticatorOptions,
  createAuthenticator,
  createVerifier,
  fromProxy,
  nginx,
  type NodeRequest,
} from "@certbound/core";
import {
  createCertificateAuthority,
  createIssuer,
  type Identity,
  mtlsRequest,
  type RunningServer,
  startServer,
} from "@certbound/testing";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { describeWithProgram, type Program, startProgram } from "../helpers/program.ts";
import { freePorts } from "../proxies/free-ports.ts";
import { createCertificateFolder } from "./troubleshooting-folder.ts";
import { expectExplained } from "./troubleshooting-page.ts";

// The guide does not set a clock, so it and the issuer use the clock of this machine.
const [authority, otherAuthority, issuer] = await Promise.all([
  createCertificateAuthority(),
  createCertificateAuthority(),
  createIssuer(),
]);
const [server, client, thief, foreign] = await Promise.all([
  authority.issueServerCertificate(),
  authority.issueClientCertificate(),
  authority.issueClientCertificate(),
  otherAuthority.issueClientCertificate(),
]);
const ca = authority.certificate;
const token = await issuer.accessToken({ boundTo: client });
const trustedIssuer = { issuer: issuer.issuer, audience: issuer.audience };
const tls = { key: server.key, cert: server.certificate };
afterAll(() => issuer.close());

describeWithProgram("nginx", "nginx that requires a certificate of its CA", () => {
  const folder = createCertificateFolder(ca, { server });
  let proxy: Program;
  let url: string;
  beforeAll(async () => {
    const [port = 0] = await freePorts(1);
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${name};`);
    const certificates =
      "ssl_certificate server.pem; ssl_certificate_key server-key.pem; ssl_client_certificate ca.pem;";
    const site = `listen 127.0.0.1:${port} ssl; ${certificates} ssl_verify_client on; location / { return 204; }`;
    const main = `events {}\nhttp { access_log off; ${temporary.join(" ")} server { ${site} } }\n`;
    writeFileSync(join(folder.path, "nginx.conf"), main);
    const globals = "daemon off; master_process off; pid nginx.pid;";
    const args = ["-p", folder.path, "-e", "stderr", "-c", join(folder.path, "nginx.conf"), "-g", globals];
    proxy = await startProgram({ binary: "nginx", args, folder: folder.path }, [{ port, host: "127.0.0.1" }]);
    url = `https://127.0.0.1:${port}/`;
  });
  afterAll(async () => {
    await proxy.stop();
    folder.remove();
  });

  test("responds with 400 to a client without a certificate, and to a client with a foreign certificate", async () => {
    const without = await mtlsRequest(url, { ca });
    expect(without.status).toBe(400);
    expectExplained(without.body, /No required SSL certificate was sent/);
    const other = await mtlsRequest(url, { ca, identity: foreign });
    expect(other.status).toBe(400);
    expectExplained(other.body, /The SSL certificate error/);
    expect((await mtlsRequest(url, { ca, identity: client })).status).toBe(204);
  });

  test("responds with 400 to plain HTTP", async () => {
    const response = await fetch(url.replace("https:", "http:"));
    expect(response.status).toBe(400);
    expectExplained(await response.text(), /The plain HTTP request was sent to HTTPS port/);
  });
});

describe("a page of another origin", () => {
  let api: RunningServer;
  beforeAll(async () => {
    vi.stubEnv("CERTBOUND_ISSUER", issuer.issuer);
    vi.stubEnv("CERTBOUND_AUDIENCE", issuer.audience);
    vi.stubEnv("SERVER_KEY", server.key);
    vi.stubEnv("SERVER_CERTIFICATE", server.certificate);
    api = await startServer((await import("./troubleshooting-cors.ts")).server);
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await api.close();
  });
  const request = (method: string, options: { readonly identity?: Identity; readonly token?: string } = {}) =>
    mtlsRequest(`${api.url}/accounts`, { ca, method, ...options });

  test("can send a preflight request without a certificate or a token", async () => {
    const { status, headers } = await request("OPTIONS");
    expect([status, headers["access-control-allow-headers"]]).toEqual([204, "Authorization"]);
    expect((await request("GET")).status).toBe(401);
  });

  test("can read the responses", async () => {
    expect((await request("GET", { token, identity: client })).status).toBe(200);
    const { status, headers } = await request("GET", { token, identity: thief });
    expect([status, headers["access-control-allow-origin"]]).toEqual([401, "https://app.example.com"]);
  });
});

/** Returns a listener that responds with the code and the detail of a rejection. */
function listenerWithDetails(options: Partial<AuthenticatorOptions<NodeRequest>> = {}) {
  const authenticate = createAuthenticator({ ...trustedIssuer, ...options } as AuthenticatorOptions<NodeRequest>)();
  return (request: NodeRequest, response: { end(text: string): unknown }): void => {
    authenticate(request).then(
      () => response.end("accepted"),
      (error: unknown) => {
        const { code, detail } = error as AccessTokenError;
        response.end(`${code} ${detail}`);
      },
    );
  };
}

async function startApi(...[api]: Parameters<typeof startServer>): Promise<string> {
  const { url, close } = await startServer(api);
  onTestFinished(close);
  return url;
}

async function nextWarning(): Promise<string> {
  const [{ code }] = (await once(process, "warning")) as [{ readonly code: string }];
  return code;
}

describe("an API that never receives a certificate", () => {
  test("causes a warning for plain HTTP", async () => {
    const warning = nextWarning();
    const url = await startApi(createHttpServer(listenerWithDetails()));
    const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
    expectExplained(await response.text(), /ERR_CERTIFICATE_MISSING/);
    expectExplained(await warning, /CERTBOUND_PLAIN_HTTP/);
  });

  test("causes a warning if the server does not request certificates", async () => {
    const warning = nextWarning();
    const urlWithoutRequestCert = await startApi(createServer(tls, listenerWithDetails()));
    expectExplained(
      (await mtlsRequest(urlWithoutRequestCert, { ca, identity: client, token })).body,
      /ERR_CERTIFICATE_MISSING/,
    );
    expectExplained(await warning, /CERTBOUND_REQUEST_CERT/);
    const urlWithRequestCert = await startApi(
      createServer({ ...tls, requestCert: true, rejectUnauthorized: false }, listenerWithDetails()),
    );
    expect((await mtlsRequest(urlWithRequestCert, { ca, identity: client, token })).body).toBe("accepted");
  });
});

describe("a server for TLS 1.2 clients", () => {
  const mutual = { ...tls, requestCert: true, rejectUnauthorized: false } as const;
  const callOver12 = async (options: typeof mutual & { readonly secureOptions?: number }): Promise<string> => {
    const url = await startApi(createServer(options, listenerWithDetails()));
    return (await mtlsRequest(url, { ca, identity: client, token, tlsVersion: "TLSv1.2" })).body;
  };

  test("causes a warning if it permits renegotiation", async () => {
    const warning = nextWarning();
    expect(await callOver12(mutual)).toBe("accepted");
    expectExplained(await warning, /CERTBOUND_RENEGOTIATION/);
  });

  test("does not cause a warning if it rejects renegotiation", async () => {
    const warnings: Error[] = [];
    const collect = (warning: Error) => warnings.push(warning);
    process.on("warning", collect);
    onTestFinished(() => void process.off("warning", collect));
    expect(await callOver12({ ...mutual, secureOptions: constants.SSL_OP_NO_RENEGOTIATION })).toBe("accepted");
    expect(warnings).toEqual([]);
  });
});

test("a custom marker for a missing certificate is rejected as a missing certificate", async () => {
  const secret = { header: "x-proxy-secret", value: "a-secret-of-the-proxy-in-these-tests" };
  const format = nginx({ verify: "presented" });
  const url = await startApi(
    createHttpServer(listenerWithDetails({ certificateResolver: fromProxy(format, { trust: { secret } }) })),
  );
  const request = async (certificate: string): Promise<string> => {
    const headers = { authorization: `Bearer ${token}`, [secret.header]: secret.value, "ssl-client-cert": certificate };
    return (await fetch(url, { headers: { ...headers, "ssl-client-verify": "SUCCESS" } })).text();
  };
  expect(await request(encodeURIComponent(client.certificate))).toBe("accepted");
  const message = await request("(null)");
  expect(message).toMatch(/^ERR_CERTIFICATE_MISSING/);
  expectExplained(message, /\(null\)/);
});

test.each<[string, (origin: string) => string, RegExp]>([
  ["cannot be reached", () => "http://127.0.0.1:1", /the request failed because of the address, TLS or the network/],
  ["publishes nothing", (origin) => `${origin}/tenant`, /status 404/],
  ["uses another identifier", (origin) => `${origin}/`, /malformed, or its issuer does not match the configured one/],
])("an issuer that %s causes a 503", async (_case, identifier, expected) => {
  const { issuer: origin, audience } = issuer;
  await expect(createVerifier({ issuer: origin, audience }).ready()).resolves.toBeUndefined();
  const failing = createVerifier({ issuer: identifier(origin), audience });
  const error = (await failing.ready().catch((thrown: unknown) => thrown)) as AccessTokenError;
  expectExplained(error.code, /ERR_KEYS_UNAVAILABLE/);
  expectExplained(error.detail ?? "", expected);
});

const authenticatorOf = (options: object) => createAuthenticator(options as AuthenticatorOptions<NodeRequest>);

test.each<[string, () => unknown, RegExp]>([
  ["a missing issuer", () => createVerifier({ jwks: issuer.jwksUri }), /option "issuer" is required/],
  ["a missing audience", () => createVerifier({ issuer: issuer.issuer }), /option "audience" is required/],
  ["an option of another library", () => authenticatorOf({ ...trustedIssuer, secret: "s" }), /unknown option "secret"/],
  [
    "a weakened binding",
    () => authenticatorOf(trustedIssuer)({ validateCertificateBinding: false as never }),
    /option "validateCertificateBinding" in the requirements must be true/,
  ],
  [
    "keys over plain HTTP",
    () => createVerifier({ ...trustedIssuer, jwks: "http://auth.example.com/jwks" }),
    /option "jwks" in the verifier's options must be a key set/,
  ],
  [
    "a proxy without trust",
    () => fromProxy(nginx(), {} as never),
    /option "trust" of fromProxy is missing: any client can send the header/,
  ],
  [
    "a verifier of another copy",
    () => authenticatorOf({ verifier: { ...createVerifier(trustedIssuer) } }),
    /option "verifier" must be created by createVerifier of this copy of @certbound\/core/,
  ],
])("%s throws a TypeError at start-up", (_options, configure, expected) => {
  const error = errorOf(configure);
  expect(error).toBeInstanceOf(TypeError);
  expectExplained(error.message, expected);
});

function errorOf(configure: () => unknown): Error {
  try {
    configure();
  } catch (error) {
    return error as Error;
  }
  throw new Error("nothing was thrown");
}
