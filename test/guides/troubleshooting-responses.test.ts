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

// The guide says nothing of a clock: it and the issuer go by the same one, that of this machine.
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
const known = { issuer: issuer.issuer, audience: issuer.audience };
const tls = { key: server.key, cert: server.certificate };
afterAll(() => issuer.close());

describeWithProgram("nginx", "nginx that lets nobody in without a certificate of its authority", () => {
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

  test("answers 400 to a client without one, and to one with another", async () => {
    const without = await mtlsRequest(url, { ca });
    expect(without.status).toBe(400);
    expectExplained(without.body, /No required SSL certificate was sent/);
    const other = await mtlsRequest(url, { ca, identity: foreign });
    expect(other.status).toBe(400);
    expectExplained(other.body, /The SSL certificate error/);
    expect((await mtlsRequest(url, { ca, identity: client })).status).toBe(204);
  });

  test("answers 400 to plain HTTP", async () => {
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
  const ask = (method: string, options: { readonly identity?: Identity; readonly token?: string } = {}) =>
    mtlsRequest(`${api.url}/accounts`, { ca, method, ...options });

  test("may ask before it asks, without a certificate and a token", async () => {
    const { status, headers } = await ask("OPTIONS");
    expect([status, headers["access-control-allow-headers"]]).toEqual([204, "Authorization"]);
    expect((await ask("GET")).status).toBe(401);
  });

  test("sees what it is answered", async () => {
    expect((await ask("GET", { token, identity: client })).status).toBe(200);
    const { status, headers } = await ask("GET", { token, identity: thief });
    expect([status, headers["access-control-allow-origin"]]).toEqual([401, "https://app.example.com"]);
  });
});

/** A listener that answers with the code and the detail of the rejection. */
function explaining(options: Partial<AuthenticatorOptions<NodeRequest>> = {}) {
  const authenticate = createAuthenticator({ ...known, ...options } as AuthenticatorOptions<NodeRequest>)();
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

async function started(...[api]: Parameters<typeof startServer>): Promise<string> {
  const { url, close } = await startServer(api);
  onTestFinished(close);
  return url;
}

async function warned(): Promise<string> {
  const [{ code }] = (await once(process, "warning")) as [{ readonly code: string }];
  return code;
}

describe("an API that can never see a certificate", () => {
  test("is warned of plain HTTP", async () => {
    const warning = warned();
    const url = await started(createHttpServer(explaining()));
    const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
    expectExplained(await response.text(), /ERR_CERTIFICATE_MISSING/);
    expectExplained(await warning, /CERTBOUND_PLAIN_HTTP/);
  });

  test("is warned of a server that does not ask", async () => {
    const warning = warned();
    const silent = await started(createServer(tls, explaining()));
    expectExplained((await mtlsRequest(silent, { ca, identity: client, token })).body, /ERR_CERTIFICATE_MISSING/);
    expectExplained(await warning, /CERTBOUND_REQUEST_CERT/);
    const asking = await started(createServer({ ...tls, requestCert: true, rejectUnauthorized: false }, explaining()));
    expect((await mtlsRequest(asking, { ca, identity: client, token })).body).toBe("accepted");
  });
});

describe("a server for TLS 1.2 clients", () => {
  const mutual = { ...tls, requestCert: true, rejectUnauthorized: false } as const;
  const callOver12 = async (options: typeof mutual & { readonly secureOptions?: number }): Promise<string> => {
    const url = await started(createServer(options, explaining()));
    return (await mtlsRequest(url, { ca, identity: client, token, tlsVersion: "TLSv1.2" })).body;
  };

  test("is warned of where it permits renegotiation", async () => {
    const warning = warned();
    expect(await callOver12(mutual)).toBe("accepted");
    expectExplained(await warning, /CERTBOUND_RENEGOTIATION/);
  });

  test("is not warned of where it rejects renegotiation", async () => {
    const warnings: Error[] = [];
    const listen = (warning: Error) => warnings.push(warning);
    process.on("warning", listen);
    onTestFinished(() => void process.off("warning", listen));
    expect(await callOver12({ ...mutual, secureOptions: constants.SSL_OP_NO_RENEGOTIATION })).toBe("accepted");
    expect(warnings).toEqual([]);
  });
});

test("a proxy that says in its own words that there is no certificate", async () => {
  const secret = { header: "x-proxy-secret", value: "a-secret-of-the-proxy-in-these-tests" };
  const format = nginx({ verify: "presented" });
  const url = await started(
    createHttpServer(explaining({ certificateResolver: fromProxy(format, { trust: { secret } }) })),
  );
  const ask = async (certificate: string): Promise<string> => {
    const headers = { authorization: `Bearer ${token}`, [secret.header]: secret.value, "ssl-client-cert": certificate };
    return (await fetch(url, { headers: { ...headers, "ssl-client-verify": "SUCCESS" } })).text();
  };
  expect(await ask(encodeURIComponent(client.certificate))).toBe("accepted");
  const said = await ask("(null)");
  expect(said).toMatch(/^ERR_CERTIFICATE_MISSING/);
  expectExplained(said, /\(null\)/);
});

test.each<[string, (origin: string) => string, RegExp]>([
  ["cannot be reached", () => "http://127.0.0.1:1", /the request failed: address, TLS, or network/],
  ["publishes nothing", (origin) => `${origin}/tenant`, /status 404/],
  ["goes by another name", (origin) => `${origin}/`, /malformed, or for another issuer/],
])("an issuer that %s is a 503", async (_what, identifier, expected) => {
  const { issuer: origin, audience } = issuer;
  await expect(createVerifier({ issuer: origin, audience }).ready()).resolves.toBeUndefined();
  const failing = createVerifier({ issuer: identifier(origin), audience });
  const error = (await failing.ready().catch((thrown: unknown) => thrown)) as AccessTokenError;
  expectExplained(error.code, /ERR_KEYS_UNAVAILABLE/);
  expectExplained(error.detail ?? "", expected);
});

const authenticatorOf = (options: object) => createAuthenticator(options as AuthenticatorOptions<NodeRequest>);

test.each<[string, () => unknown, RegExp]>([
  ["no issuer", () => createVerifier({ jwks: issuer.jwksUri }), /option "issuer" is required/],
  ["no audience", () => createVerifier({ issuer: issuer.issuer }), /option "audience" is required/],
  ["an option of another library", () => authenticatorOf({ ...known, secret: "s" }), /unknown option "secret"/],
  [
    "a weakened binding",
    () => authenticatorOf(known)({ validateCertificateBinding: false as never }),
    /option "validateCertificateBinding" in the requirements must be true/,
  ],
  [
    "keys over plain HTTP",
    () => createVerifier({ ...known, jwks: "http://auth.example.com/jwks" }),
    /option "jwks" in the verifier's options must be a key set/,
  ],
  [
    "a proxy that nothing proves",
    () => fromProxy(nginx(), {} as never),
    /option "trust" of fromProxy is missing: any client can send the header/,
  ],
  [
    "a verifier of another copy",
    () => authenticatorOf({ verifier: { ...createVerifier(known) } }),
    /option "verifier" must be made by createVerifier of this copy of @certbound\/core/,
  ],
])("%s is a TypeError at the start", (_what, configure, expected) => {
  const said = toldBy(configure);
  expect(said).toBeInstanceOf(TypeError);
  expectExplained(said.message, expected);
});

function toldBy(configure: () => unknown): Error {
  try {
    configure();
  } catch (error) {
    return error as Error;
  }
  throw new Error("Nothing was thrown");
}
