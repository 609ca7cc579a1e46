import { generateKeyPairSync, hash, sign, X509Certificate } from "node:crypto";
import type { AccessTokenErrorCode } from "@certbound/core";
import { type AccessTokenOptions, forgeToken, tamperSignature } from "@certbound/testing";
import type { Parties } from "./parties.ts";
import { NOW } from "./time.ts";

/** The inputs of a run. Omitted inputs are correct. */
export interface Setup {
  readonly token?: string | Promise<string>;
  readonly issuer?: readonly string[];
  readonly audience?: readonly string[];
  /** How the certificate is presented. */
  readonly presents?: readonly string[];
  readonly more?: readonly string[];
}

/** A set-up with one error, and the same set-up without that error. By default, all inputs without the error are correct. */
export interface BrokenSetup {
  readonly cause: string;
  readonly code: AccessTokenErrorCode;
  readonly broken: (parties: Parties) => Setup | Promise<Setup>;
  readonly repaired?: (parties: Parties) => Setup | Promise<Setup>;
}

const seconds = (fromNow: number): number => NOW + fromNow;

/** Issues a token that is correct, except for the given options. */
function issued({ issuer, client }: Parties, options: AccessTokenOptions = {}): Promise<string> {
  return issuer.accessToken({ boundTo: client, ...options });
}

/** Changes the text of a correct token. */
async function changed(parties: Parties, change: (token: string) => string): Promise<string> {
  return change(await issued(parties));
}

function withClaims(claims: Readonly<Record<string, unknown>>): (parties: Parties) => Setup {
  return (parties) => ({ token: issued(parties, { claims }) });
}

function withHeader(
  header: Readonly<Record<string, unknown>>,
  more: readonly string[] = [],
): (parties: Parties) => Setup {
  return (parties) => ({ token: issued(parties, { header }), more });
}

function withText(change: (token: string) => string): (parties: Parties) => Setup {
  return (parties) => ({ token: changed(parties, change) });
}

/** Issues a token with a cnf that is computed from the client's certificate. */
function withCnf(confirmation: (certificate: X509Certificate) => unknown): (parties: Parties) => Setup {
  return (parties) => withClaims({ cnf: confirmation(new X509Certificate(parties.client.certificate)) })(parties);
}

function withThumbprint(thumbprint: (certificate: X509Certificate) => string): (parties: Parties) => Setup {
  return withCnf((certificate) => ({ "x5t#S256": thumbprint(certificate) }));
}

/** Presents a file instead of the client's certificate. */
function file(name: string, content: (parties: Parties) => string | Uint8Array): (parties: Parties) => Setup {
  return (parties) => ({ presents: ["--cert", parties.folder.file(name, content(parties))] });
}

/** Presents the headers of a proxy. */
function proxied(
  format: string | undefined,
  headers: (text: string, bytes: Buffer) => readonly (readonly [string, string])[],
  options?: object,
): (parties: Parties) => Setup {
  return ({ client }) => ({
    presents: [
      ...headers(client.certificate, Buffer.from(client.der)).flatMap(([name, value]) => [
        "--header",
        `${name}: ${value}`,
      ]),
      ...(format === undefined ? [] : ["--format", format]),
      ...(options === undefined ? [] : ["--format-options", JSON.stringify(options)]),
    ],
  });
}

const success = ["ssl-client-verify", "SUCCESS"] as const;
const otherFields = (count: number): readonly (readonly [string, string])[] =>
  Array.from({ length: count }, () => ["x-other", "1"] as const);
const nginxHeaders = proxied("nginx", (text) => [["ssl-client-cert", encodeURIComponent(text)], success]);
const haproxyHeaders = proxied("haproxy", (_text, bytes) => [
  ["x-ssl-client-der", bytes.toString("base64")],
  ["x-ssl-client-verify", "0"],
]);
const hexOf = (bytes: Uint8Array): string => hash("sha256", bytes, "hex");
const envoyHeaders = proxied("envoy", (_text, bytes) => [["x-forwarded-client-cert", `Hash=${hexOf(bytes)}`]]);
const caddyHashHeaders = proxied("caddy", (_text, bytes) => [["x-client-cert-sha256", hexOf(bytes)]], {
  encoding: "sha256-hex",
});

/** Encodes a DER element of up to 65,535 bytes. */
function der(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const bytes = Buffer.concat(content);
  const long = Buffer.from([tag, 0x82, bytes.length >> 8, bytes.length & 0xff]);
  return Buffer.concat([bytes.length < 0x80 ? Buffer.from([tag, bytes.length]) : long, bytes]);
}

const version3 = der(2, Buffer.from([3]));
const pkcs7Data = der(6, Buffer.from("2a864886f70d010701", "hex"));
const pkcs12 = der(0x30, version3, der(0x30, pkcs7Data, Buffer.alloc(300)));

const rsaJwk = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey.export({ format: "jwk" });

/** Returns a key set in which the key with the kid of the token is for another algorithm. */
function otherKey({ folder, issuer }: Parties): readonly string[] {
  const keys = [{ ...rsaJwk, kid: issuer.jwks.keys[0]?.kid, alg: "RS256" }];
  return ["--issuer", issuer.issuer, "--jwks", folder.file("other-key.json", JSON.stringify({ keys }))];
}

/** Returns a token with an ASN.1 or a correct signature, and its key set. */
async function signedBy(parties: Parties, dsaEncoding: "der" | "ieee-p1363"): Promise<Setup> {
  const { issuer, folder } = parties;
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const keys = [{ ...publicKey.export({ format: "jwk" }), kid: "own" }];
  const input = (await issued(parties, { header: { kid: "own" } })).replace(/\.[^.]*$/, "");
  const signature = sign("sha256", Buffer.from(input), { key: privateKey, dsaEncoding }).toString("base64url");
  return {
    token: `${input}.${signature}`,
    issuer: ["--issuer", issuer.issuer, "--jwks", folder.file(`${dsaEncoding}.json`, JSON.stringify({ keys }))],
  };
}

function keysAt(path: (parties: Parties) => string): (parties: Parties) => Setup {
  return (parties) => ({ issuer: ["--issuer", parties.issuer.issuer, "--jwks", path(parties)] });
}

const keysByUrl = keysAt(({ issuer }) => issuer.jwksUri.href);

/** Finds the keys by discovery. */
function discovered({ issuer }: Parties): Setup {
  return { issuer: ["--issuer", issuer.issuer] };
}

/** Configures an issuer, and issues a token with another `iss`. */
function otherIss(configured: string, wrong: string): Pick<BrokenSetup, "broken" | "repaired"> {
  const setup = (iss: string) => (parties: Parties) => ({
    token: issued(parties, { claims: { iss } }),
    issuer: ["--issuer", configured, "--jwks", parties.keyFile],
  });
  return { broken: setup(wrong), repaired: setup(configured) };
}

function parts(token: string): readonly [string, string, string] {
  const [header = "", payload = "", signature = ""] = token.split(".");
  return [header, payload, signature];
}

const malformedToken: readonly BrokenSetup[] = (
  [
    ["token-empty", () => ""],
    ["token-undefined", () => "undefined"],
    ["token-placeholder", () => "${ACCESS_TOKEN}"],
    ["token-in-json", (token) => JSON.stringify({ access_token: token, token_type: "Bearer" })],
    ["token-with-scheme", (token) => `Bearer ${token}`],
    ["token-in-quotes", (token) => `"${token}"`],
    ["token-percent-encoded", (token) => `%20${token}`],
    ["token-with-line-breaks", (token) => `${token.slice(0, 64)}\n${token.slice(64)}`],
    ["token-too-long", () => "a".repeat(16_385)],
    ["token-encrypted", (token) => `${token}.${parts(token)[2]}.AAAA`],
    ["token-truncated", (token) => parts(token).slice(0, 2).join(".")],
    ["token-opaque", () => "2YotnFZFEjr1zCsicMWpAA"],
    ["token-standard-base64", (token) => token.replace(/\.([^.]*)\./, ".$1=.")],
    ["token-garbled", (token) => token.replace(/\.[^.]*\./, ".***.")],
  ] as const satisfies readonly (readonly [string, (token: string) => string])[]
).map(([cause, change]) => ({ cause, code: "ERR_TOKEN_MALFORMED", broken: withText(change) }));

const headers: readonly BrokenSetup[] = [
  { cause: "token-with-critical-extension", code: "ERR_TOKEN_MALFORMED", broken: withHeader({ crit: ["exp"] }) },
  {
    cause: "algorithm-none",
    code: "ERR_TOKEN_ALGORITHM",
    broken: withText((token) =>
      forgeToken({ header: { alg: "none", typ: "at+jwt" }, payload: Buffer.from(parts(token)[1], "base64url") }),
    ),
  },
  { cause: "algorithm-symmetric", code: "ERR_TOKEN_ALGORITHM", broken: withHeader({ alg: "HS256" }) },
  { cause: "algorithm-missing", code: "ERR_TOKEN_ALGORITHM", broken: withHeader({ alg: undefined }) },
  { cause: "algorithm-unknown", code: "ERR_TOKEN_ALGORITHM", broken: withHeader({ alg: "ES256K" }) },
  { cause: "algorithm-unknown", code: "ERR_TOKEN_ALGORITHM", broken: withHeader({ alg: "ML-DSA-99" }) },
  {
    cause: "algorithm-not-configured",
    code: "ERR_TOKEN_ALGORITHM",
    broken: () => ({ more: ["--algorithm", "PS256"] }),
    repaired: () => ({ more: ["--algorithm", "PS256", "--algorithm", "ES256"] }),
  },
  { cause: "dpop-proof", code: "ERR_TOKEN_TYPE", broken: withHeader({ typ: "dpop+jwt" }) },
  { cause: "refresh-token", code: "ERR_TOKEN_TYPE", broken: withHeader({ typ: "refresh+jwt" }) },
  { cause: "security-event", code: "ERR_TOKEN_TYPE", broken: withHeader({ typ: "secevent+jwt" }) },
  {
    cause: "id-token",
    code: "ERR_TOKEN_TYPE",
    broken: (parties) => ({
      token: issued(parties, { header: { typ: "JWT" }, claims: { at_hash: "77QmUPtjPfzWtF2AnpK9RQ" } }),
    }),
    repaired: (parties) => ({ token: issued(parties, { header: { typ: "JWT" }, claims: { nonce: "n-0S6" } }) }),
  },
  {
    cause: "id-token",
    code: "ERR_TOKEN_TYPE",
    broken: (parties) => ({
      token: issued(parties, {
        header: { typ: "JWT" },
        claims: { nonce: "n-0S6", scope: undefined, cnf: undefined },
      }),
      more: ["--profile", "rfc9068"],
    }),
    repaired: (parties) => ({ token: issued(parties, { claims: { nonce: "n-0S6" } }), more: ["--profile", "rfc9068"] }),
  },
  // Keycloak and ForgeRock put a nonce into access tokens.
  ...[{ nonce: "n-0S6", scope: "read" }, { nonce: "n-0S6" }].map((claims): BrokenSetup => ({
    cause: "type-generic",
    code: "ERR_TOKEN_TYPE",
    broken: (parties) => ({
      token: issued(parties, { header: { typ: "JWT" }, claims }),
      more: ["--profile", "rfc9068"],
    }),
    repaired: (parties) => ({ token: issued(parties, { claims }), more: ["--profile", "rfc9068"] }),
  })),
  {
    cause: "type-generic",
    code: "ERR_TOKEN_TYPE",
    broken: withHeader({ typ: "JWT" }, ["--profile", "rfc9068"]),
    repaired: withHeader({}, ["--profile", "rfc9068"]),
  },
  {
    cause: "type-not-accepted",
    code: "ERR_TOKEN_TYPE",
    broken: withHeader({ typ: "acme+jwt" }),
    repaired: withHeader({ typ: "acme+jwt" }, ["--token-type", "acme+jwt"]),
  },
];

const issuers: readonly BrokenSetup[] = (
  [
    { cause: "issuer-missing", broken: withClaims({ iss: undefined }) },
    { cause: "issuer-trailing-slash", ...otherIss("https://auth.example.com/", "https://auth.example.com") },
    { cause: "issuer-case", ...otherIss("https://auth.example.com/Realm", "https://auth.example.com/realm") },
    { cause: "issuer-scheme", ...otherIss("https://auth.example.com", "http://auth.example.com") },
    {
      cause: "issuer-is-metadata-url",
      broken: ({ issuer }) => ({
        issuer: ["--issuer", `${issuer.issuer}/.well-known/openid-configuration`, "--jwks", issuer.jwksUri.href],
      }),
    },
    { cause: "issuer-default-port", ...otherIss("https://auth.example.com/a", "https://auth.example.com:443/a") },
    {
      cause: "issuer-host-alias",
      ...otherIss("https://auth.example.com/realms/a", "https://keycloak.internal/realms/a"),
    },
    {
      cause: "issuer-other-tenant",
      ...otherIss("https://auth.example.com/realms/a", "https://auth.example.com/realms/b"),
    },
    { cause: "issuer-other", ...otherIss("https://auth.example.com", "https://other.example") },
  ] as const satisfies readonly Omit<BrokenSetup, "code">[]
).map((row) => ({ code: "ERR_TOKEN_ISSUER", ...row }));

const audiences: readonly BrokenSetup[] = (
  [
    ["audience-missing", undefined],
    ["audience-trailing-slash", "https://api.example.com/"],
    ["audience-case", ["https://API.example.com"]],
    ["audience-scheme", "http://api.example.com"],
    ["audience-joined", "https://api.example.com https://other.example"],
    ["audience-is-client", "client-1"],
    ["audience-other", "https://other.example"],
  ] as const
).map(([cause, aud]) => ({ cause, code: "ERR_TOKEN_AUDIENCE", broken: withClaims({ aud }) }));

const claims: readonly BrokenSetup[] = [
  {
    cause: "audience-is-issuer",
    code: "ERR_TOKEN_AUDIENCE",
    broken: (parties) => withClaims({ aud: `${parties.issuer.issuer}/userinfo` })(parties),
  },
  {
    cause: "expires-before-issued",
    code: "ERR_TOKEN_EXPIRED",
    broken: withClaims({ iat: seconds(-300), exp: seconds(-600) }),
  },
  {
    cause: "older-than-max-token-age",
    code: "ERR_TOKEN_EXPIRED",
    broken: (parties) => ({ ...withClaims({ iat: seconds(-100) })(parties), more: ["--max-token-age", "30"] }),
    repaired: (parties) => ({ ...withClaims({ iat: seconds(-10) })(parties), more: ["--max-token-age", "30"] }),
  },
  {
    cause: "expired-just-now",
    code: "ERR_TOKEN_EXPIRED",
    broken: (parties) => ({ token: issued(parties, { expiresIn: -30 }) }),
  },
  {
    cause: "token-expired",
    code: "ERR_TOKEN_EXPIRED",
    broken: (parties) => ({ token: issued(parties, { expiresIn: -3600 }) }),
  },
  { cause: "clocks-differ", code: "ERR_TOKEN_NOT_YET_VALID", broken: withClaims({ nbf: seconds(100) }) },
  {
    cause: "not-yet-valid",
    code: "ERR_TOKEN_NOT_YET_VALID",
    broken: withClaims({ nbf: seconds(7200), exp: seconds(7500) }),
  },
  { cause: "times-in-milliseconds", code: "ERR_TOKEN_CLAIM", broken: withClaims({ exp: seconds(300) * 1000 }) },
  { cause: "times-as-text", code: "ERR_TOKEN_CLAIM", broken: withClaims({ exp: String(seconds(300)) }) },
  { cause: "expiry-missing", code: "ERR_TOKEN_CLAIM", broken: withClaims({ exp: undefined }) },
  {
    cause: "issue-time-missing",
    code: "ERR_TOKEN_CLAIM",
    broken: (parties) => ({ ...withClaims({ iat: undefined })(parties), more: ["--max-token-age", "30"] }),
    repaired: () => ({ more: ["--max-token-age", "30"] }),
  },
  {
    cause: "profile-claim-missing",
    code: "ERR_TOKEN_CLAIM",
    broken: (parties) => ({ ...withClaims({ jti: undefined })(parties), more: ["--profile", "rfc9068"] }),
    repaired: () => ({ more: ["--profile", "rfc9068"] }),
  },
  {
    cause: "profile-claim-missing",
    code: "ERR_TOKEN_CLAIM",
    broken: (parties) => ({
      ...withClaims({ aud: undefined })(parties),
      audience: ["--no-audience"],
      more: ["--profile", "rfc9068"],
    }),
    repaired: () => ({ audience: ["--no-audience"], more: ["--profile", "rfc9068"] }),
  },
  { cause: "claim-malformed", code: "ERR_TOKEN_CLAIM", broken: withClaims({ sub: 1 }) },
  {
    // The profile does not require a claim.
    cause: "claim-malformed",
    code: "ERR_TOKEN_CLAIM",
    broken: (parties) => ({
      ...withClaims({ sub: 1, jti: undefined })(parties),
      more: ["--profile", "fapi2", "--max-token-age", "600"],
    }),
    repaired: () => ({ more: ["--profile", "fapi2", "--max-token-age", "600"] }),
  },
  {
    cause: "scope-missing",
    code: "ERR_SCOPE_INSUFFICIENT",
    broken: () => ({ more: ["--scope", "read", "--scope", "write"] }),
    repaired: () => ({ more: ["--scope", "read"] }),
  },
  {
    cause: "scope-case",
    code: "ERR_SCOPE_INSUFFICIENT",
    broken: () => ({ more: ["--scope", "Read"] }),
    repaired: () => ({ more: ["--scope", "read"] }),
  },
  {
    cause: "scope-separated-by-commas",
    code: "ERR_SCOPE_INSUFFICIENT",
    broken: (parties) => ({ ...withClaims({ scope: "read,write" })(parties), more: ["--scope", "read"] }),
    repaired: (parties) => ({ ...withClaims({ scope: "read write" })(parties), more: ["--scope", "read"] }),
  },
];

const pem = (label: string, bytes: Uint8Array): string =>
  `-----BEGIN ${label}-----\n${Buffer.from(bytes).toString("base64")}\n-----END ${label}-----\n`;

const files: readonly BrokenSetup[] = [
  { cause: "certificate-file-empty", code: "ERR_CERTIFICATE_MISSING", broken: file("empty.pem", () => "") },
  {
    cause: "certificate-file-is-private-key",
    code: "ERR_CERTIFICATE_MALFORMED",
    broken: file("key.pem", ({ client }) => client.key),
    repaired: file("both.pem", ({ client }) => client.key + client.certificate),
  },
  {
    cause: "certificate-file-is-public-key",
    code: "ERR_CERTIFICATE_MALFORMED",
    broken: file("public.pem", ({ client }) => {
      return new X509Certificate(client.certificate).publicKey.export({ type: "spki", format: "pem" });
    }),
  },
  {
    cause: "certificate-file-is-request",
    code: "ERR_CERTIFICATE_MALFORMED",
    broken: file("request.pem", () => pem("CERTIFICATE REQUEST", der(0x30, Buffer.alloc(200)))),
  },
  {
    cause: "certificate-file-is-pkcs7",
    code: "ERR_CERTIFICATE_MALFORMED",
    broken: file("bundle.p7b", () => pem("PKCS7", der(0x30, pkcs7Data, Buffer.alloc(200)))),
  },
  { cause: "certificate-file-is-pkcs12", code: "ERR_CERTIFICATE_MALFORMED", broken: file("client.p12", () => pkcs12) },
  {
    cause: "certificate-escaped-line-breaks",
    code: "ERR_CERTIFICATE_MALFORMED",
    broken: file("variable.pem", ({ client }) => client.certificate.replaceAll("\n", String.raw`\n`)),
  },
  {
    cause: "certificate-der-named-pem",
    code: "ERR_CERTIFICATE_MALFORMED",
    broken: file("der.pem", ({ client }) => client.der),
    repaired: file("client.der", ({ client }) => client.der),
  },
  {
    cause: "certificate-truncated",
    code: "ERR_CERTIFICATE_MALFORMED",
    broken: file("half.pem", ({ client }) => client.certificate.slice(0, 300)),
  },
  {
    cause: "certificate-file-is-something-else",
    code: "ERR_CERTIFICATE_MALFORMED",
    broken: file("text.txt", () => "hello"),
  },
  {
    cause: "no-certificate-presented",
    code: "ERR_CERTIFICATE_MISSING",
    broken: () => ({ presents: ["--no-certificate"] }),
  },
];

const forwarded: readonly BrokenSetup[] = [
  {
    cause: "header-missing",
    code: "ERR_CERTIFICATE_MISSING",
    broken: proxied("nginx", () => [success]),
    repaired: nginxHeaders,
  },
  {
    cause: "header-empty",
    code: "ERR_CERTIFICATE_MISSING",
    broken: proxied("nginx", () => [["ssl-client-cert", ""], success]),
    repaired: nginxHeaders,
  },
  {
    cause: "header-says-null",
    code: "ERR_CERTIFICATE_MISSING",
    broken: proxied("apache", () => [["x-ssl-client-cert", "(null)"]]),
    repaired: proxied("apache", (text) => [
      ["x-ssl-client-cert", text.trim().replaceAll("\n", " ")],
      ["x-ssl-client-verify", "SUCCESS"],
    ]),
  },
  {
    cause: "header-placeholder",
    code: "ERR_CERTIFICATE_MISSING",
    broken: proxied("caddy", () => [["x-client-cert-der-base64", "{http.request.tls.client.certificate_der_base64}"]]),
    repaired: proxied("caddy", (_text, bytes) => [["x-client-cert-der-base64", bytes.toString("base64")]]),
  },
  {
    cause: "header-hash-of-nothing",
    code: "ERR_CERTIFICATE_MISSING",
    broken: proxied("caddy", () => [["x-client-cert-sha256", hash("sha256", "")]], { encoding: "sha256-hex" }),
    repaired: caddyHashHeaders,
  },
  {
    cause: "header-twice",
    code: "ERR_CERTIFICATE_MALFORMED",
    broken: proxied("nginx", (text) => [
      ["ssl-client-cert", encodeURIComponent(text)],
      ["SSL-Client-Cert", encodeURIComponent(text)],
      success,
    ]),
    repaired: nginxHeaders,
  },
  {
    cause: "header-truncated",
    code: "ERR_CERTIFICATE_MALFORMED",
    broken: proxied("haproxy", (_text, bytes) => [
      ["x-ssl-client-der", bytes.subarray(0, 300).toString("base64")],
      ["x-ssl-client-verify", "0"],
    ]),
    repaired: haproxyHeaders,
  },
  {
    cause: "header-sha1",
    code: "ERR_CERTIFICATE_MALFORMED",
    broken: proxied("nginx", (_text, bytes) => [["ssl-client-cert", hash("sha1", bytes)], success]),
    repaired: nginxHeaders,
  },
  {
    cause: "header-xfcc-of-other-proxy",
    code: "ERR_CERTIFICATE_MALFORMED",
    broken: proxied("cloud-foundry", (_text, bytes) => [["x-forwarded-client-cert", `Hash=${hexOf(bytes)}`]]),
    repaired: envoyHeaders,
  },
  {
    cause: "header-xfcc-without-hash",
    code: "ERR_CERTIFICATE_MALFORMED",
    broken: proxied("envoy", (text) => [["x-forwarded-client-cert", `Cert="${encodeURIComponent(text)}"`]]),
    repaired: envoyHeaders,
  },
  {
    cause: "header-xfcc-elements",
    code: "ERR_CERTIFICATE_MALFORMED",
    broken: proxied("envoy", (_text, bytes) => [
      ["x-forwarded-client-cert", `Hash=${hexOf(bytes)},Hash=${hexOf(Buffer.of(1))}`],
    ]),
    repaired: proxied(
      "envoy",
      (_text, bytes) => [["x-forwarded-client-cert", `Hash=${hexOf(bytes)},Hash=${hexOf(Buffer.of(1))}`]],
      { elements: 2, index: 0 },
    ),
  },
  {
    cause: "header-escaped-for-raw-format",
    code: "ERR_CERTIFICATE_MALFORMED",
    broken: proxied("haproxy", (text) => [
      ["x-ssl-client-der", encodeURIComponent(text)],
      ["x-ssl-client-verify", "0"],
    ]),
    repaired: haproxyHeaders,
  },
  {
    cause: "header-folded-line-breaks",
    code: "ERR_CERTIFICATE_MALFORMED",
    broken: proxied("nginx", (text) => [["ssl-client-cert", text.trim().replaceAll("\n", " ")], success]),
    repaired: nginxHeaders,
  },
  {
    cause: "header-raw-for-escaped-format",
    code: "ERR_CERTIFICATE_MALFORMED",
    broken: proxied("nginx", (_text, bytes) => [["ssl-client-cert", bytes.toString("base64")], success]),
    repaired: nginxHeaders,
  },
  {
    cause: "header-hash-for-certificate-format",
    code: "ERR_CERTIFICATE_MALFORMED",
    broken: proxied("caddy", (_text, bytes) => [["x-client-cert-der-base64", hexOf(bytes)]]),
    repaired: caddyHashHeaders,
  },
  {
    cause: "header-of-unknown-format",
    code: "ERR_CERTIFICATE_MALFORMED",
    broken: proxied("nginx", () => [["ssl-client-cert", "a certificate"], success]),
    repaired: nginxHeaders,
  },
  {
    cause: "verify-header-missing",
    code: "ERR_CERTIFICATE_UNTRUSTED",
    broken: proxied("nginx", (text) => [["ssl-client-cert", encodeURIComponent(text)]]),
    repaired: nginxHeaders,
  },
  {
    cause: "header-list-incomplete",
    code: "ERR_CERTIFICATE_MALFORMED",
    broken: proxied("nginx", (text) => [["ssl-client-cert", encodeURIComponent(text)], success, ...otherFields(997)]),
    repaired: proxied("nginx", (text) => [["ssl-client-cert", encodeURIComponent(text)], success, ...otherFields(996)]),
  },
  {
    cause: "verify-header-twice",
    code: "ERR_CERTIFICATE_UNTRUSTED",
    broken: proxied("nginx", (text) => [["ssl-client-cert", encodeURIComponent(text)], success, success]),
    repaired: nginxHeaders,
  },
  {
    cause: "verify-header-none",
    code: "ERR_CERTIFICATE_UNTRUSTED",
    broken: proxied("nginx", (text) => [
      ["ssl-client-cert", encodeURIComponent(text)],
      ["ssl-client-verify", "NONE"],
    ]),
    repaired: nginxHeaders,
  },
  {
    cause: "verify-header-failed",
    code: "ERR_CERTIFICATE_UNTRUSTED",
    broken: proxied("nginx", (text) => [
      ["ssl-client-cert", encodeURIComponent(text)],
      ["ssl-client-verify", "FAILED:self-signed certificate"],
    ]),
    repaired: proxied(
      "nginx",
      (text) => [
        ["ssl-client-cert", encodeURIComponent(text)],
        ["ssl-client-verify", "FAILED:self-signed certificate"],
      ],
      { verify: "presented" },
    ),
  },
  {
    cause: "certificate-untrusted",
    code: "ERR_CERTIFICATE_UNTRUSTED",
    broken: proxied("envoy", (_text, bytes) => [["x-forwarded-client-cert", `Hash=${hexOf(bytes)};URI=spiffe://a/b`]], {
      lastHopUri: "spiffe://a/gateway",
    }),
    repaired: proxied(
      "envoy",
      (_text, bytes) => [["x-forwarded-client-cert", `Hash=${hexOf(bytes)};URI=spiffe://a/gateway`]],
      { lastHopUri: "spiffe://a/gateway" },
    ),
  },
];

const thumbprintOf = (bytes: Uint8Array | string): string => hash("sha256", bytes, "base64url");
const spki = (certificate: X509Certificate): Buffer => certificate.publicKey.export({ type: "spki", format: "der" });

function jwkThumbprint({ publicKey }: X509Certificate): string {
  const { crv, kty, x, y } = publicKey.export({ format: "jwk" });
  return thumbprintOf(JSON.stringify({ crv, kty, x, y }));
}

const confirmations: readonly BrokenSetup[] = [
  {
    cause: "confirmation-misplaced",
    code: "ERR_BINDING_REQUIRED",
    broken: (parties) => withClaims({ cnf: undefined, "x5t#S256": parties.client.thumbprint })(parties),
  },
  { cause: "token-unbound", code: "ERR_BINDING_REQUIRED", broken: withClaims({ cnf: undefined }) },
  {
    cause: "bound-by-both",
    code: "ERR_BINDING_UNSUPPORTED",
    broken: withCnf((certificate) => ({
      "x5t#S256": thumbprintOf(certificate.raw),
      jkt: jwkThumbprint(certificate),
    })),
  },
  {
    cause: "bound-by-second-key",
    code: "ERR_BINDING_UNSUPPORTED",
    broken: withCnf((certificate) => ({
      "x5t#S256": thumbprintOf(certificate.raw),
      jwk: certificate.publicKey.export({ format: "jwk" }),
    })),
    repaired: withCnf((certificate) => ({ "x5t#S256": thumbprintOf(certificate.raw), kid: "key-1" })),
  },
  {
    cause: "dpop-bound",
    code: "ERR_BINDING_UNSUPPORTED",
    broken: withCnf((certificate) => ({ jkt: jwkThumbprint(certificate) })),
  },
  {
    cause: "confirmation-sha1",
    code: "ERR_BINDING_UNSUPPORTED",
    broken: withCnf((certificate) => ({ x5t: hash("sha1", certificate.raw, "base64url") })),
  },
  {
    cause: "confirmation-misspelled",
    code: "ERR_BINDING_UNSUPPORTED",
    broken: withCnf((certificate) => ({ "x5t#s256": thumbprintOf(certificate.raw) })),
  },
  { cause: "bound-by-key", code: "ERR_BINDING_UNSUPPORTED", broken: withClaims({ cnf: { kid: "key-1" } }) },
  { cause: "thumbprint-of-nothing", code: "ERR_BINDING_MALFORMED", broken: withThumbprint(() => thumbprintOf("")) },
  { cause: "thumbprint-hex", code: "ERR_BINDING_MALFORMED", broken: withThumbprint(({ raw }) => hexOf(raw)) },
  {
    cause: "thumbprint-hex-with-colons",
    code: "ERR_BINDING_MALFORMED",
    broken: withThumbprint(({ fingerprint256 }) => fingerprint256),
  },
  {
    cause: "thumbprint-sha1",
    code: "ERR_BINDING_MALFORMED",
    broken: withThumbprint(({ raw }) => hash("sha1", raw, "base64url")),
  },
  {
    cause: "thumbprint-base64",
    code: "ERR_BINDING_MALFORMED",
    broken: withThumbprint(({ raw }) => hash("sha256", raw, "base64")),
  },
  {
    cause: "thumbprint-encoded-twice",
    code: "ERR_BINDING_MALFORMED",
    broken: withThumbprint(({ raw }) => Buffer.from(hexOf(raw)).toString("base64url")),
  },
  {
    cause: "thumbprint-is-certificate",
    code: "ERR_BINDING_MALFORMED",
    broken: withThumbprint(({ raw }) => raw.toString("base64url")),
  },
  { cause: "confirmation-malformed", code: "ERR_BINDING_MALFORMED", broken: withClaims({ cnf: "x5t" }) },
];

const mismatches: readonly BrokenSetup[] = (
  [
    {
      cause: "chain-in-wrong-order",
      broken: file("reversed.pem", ({ ca, client }) => ca.certificate + client.certificate),
      repaired: file("chain.pem", ({ ca, client }) => client.certificate + ca.certificate),
    },
    {
      cause: "thumbprint-of-issuing-certificate",
      broken: (parties) => ({
        token: issued(parties, { boundTo: thumbprintOf(new X509Certificate(parties.ca.certificate).raw) }),
        ...file("chain.pem", ({ ca, client }) => client.certificate + ca.certificate)(parties),
      }),
      repaired: file("chain.pem", ({ ca, client }) => client.certificate + ca.certificate),
    },
    {
      cause: "certificate-renewed",
      broken: (parties) => ({
        presents: ["--cert", parties.folder.file("renewed.pem", parties.renewed.certificate)],
        more: ["--also", parties.folder.file("old.pem", parties.client.certificate)],
      }),
    },
    {
      cause: "other-named-certificate",
      broken: (parties) => ({
        token: issued(parties, { boundTo: parties.stranger }),
        more: ["--also", parties.folder.file("stranger.pem", parties.stranger.certificate)],
      }),
    },
    { cause: "thumbprint-of-pem", broken: withThumbprint((certificate) => thumbprintOf(certificate.toString())) },
    { cause: "thumbprint-of-public-key", broken: withThumbprint((certificate) => thumbprintOf(spki(certificate))) },
    { cause: "thumbprint-of-jwk", broken: withThumbprint(jwkThumbprint) },
    {
      cause: "certificate-newer-than-token",
      broken: (parties) => ({
        token: issued(parties, { boundTo: parties.stranger, claims: { iat: seconds(-3 * 24 * 3600) } }),
      }),
    },
    { cause: "other-certificate", broken: (parties) => ({ token: issued(parties, { boundTo: parties.stranger }) }) },
  ] as const satisfies readonly Omit<BrokenSetup, "code">[]
).map((row) => ({ code: "ERR_BINDING_MISMATCH", ...row }));

const keys: readonly BrokenSetup[] = (
  [
    {
      cause: "issuer-tls-untrusted",
      broken: keysAt(({ privateKeySet }) => privateKeySet),
      repaired: (parties) => ({
        ...keysAt(({ privateKeySet }) => privateKeySet)(parties),
        more: ["--ca", parties.folder.file("ca.pem", parties.ca.certificate)],
      }),
    },
    { cause: "issuer-connection-refused", broken: keysAt(({ closed }) => `${closed}/jwks`), repaired: keysByUrl },
    {
      cause: "issuer-unreachable",
      broken: keysAt(({ issuer }) => issuer.jwksUri.href.replace("http:", "https:")),
      repaired: keysByUrl,
    },
    { cause: "issuer-redirects", broken: keysAt(({ misconfigured }) => `${misconfigured}/moved`), repaired: keysByUrl },
    {
      cause: "key-set-not-found",
      broken: keysAt(({ misconfigured }) => `${misconfigured}/nothing`),
      repaired: keysByUrl,
    },
    { cause: "issuer-fails", broken: keysAt(({ misconfigured }) => `${misconfigured}/broken`), repaired: keysByUrl },
    { cause: "answer-is-html", broken: keysAt(({ misconfigured }) => `${misconfigured}/login`), repaired: keysByUrl },
    {
      cause: "key-set-is-metadata",
      broken: keysAt(({ misconfigured }) => `${misconfigured}/metadata`),
      repaired: keysByUrl,
    },
    {
      cause: "key-set-without-usable-keys",
      broken: keysAt(({ misconfigured }) => `${misconfigured}/empty`),
      repaired: keysByUrl,
    },
    {
      cause: "key-set-unreadable",
      broken: keysAt(({ misconfigured }) => `${misconfigured}/list`),
      repaired: keysByUrl,
    },
    {
      cause: "discovery-not-found",
      broken: (parties) => ({
        token: issued(parties, { claims: { iss: parties.misconfigured } }),
        issuer: ["--issuer", parties.misconfigured],
      }),
      repaired: discovered,
    },
    {
      cause: "discovery-of-other-issuer",
      broken: (parties) => ({
        token: issued(parties, { claims: { iss: parties.renamed.jwksUri.origin } }),
        issuer: ["--issuer", parties.renamed.jwksUri.origin],
      }),
      repaired: discovered,
    },
    {
      cause: "discovery-without-keys",
      broken: (parties) => ({
        token: issued(parties, { claims: { iss: `${parties.misconfigured}/bare` } }),
        issuer: ["--issuer", `${parties.misconfigured}/bare`],
      }),
      repaired: discovered,
    },
  ] as const satisfies readonly Omit<BrokenSetup, "code">[]
).map((row) => ({ code: "ERR_KEYS_UNAVAILABLE", ...row }));

const signatures: readonly BrokenSetup[] = [
  { cause: "key-id-unknown", code: "ERR_TOKEN_KEY_UNKNOWN", broken: withHeader({ kid: "old" }) },
  {
    cause: "key-of-other-algorithm",
    code: "ERR_TOKEN_KEY_UNKNOWN",
    broken: (parties) => ({ issuer: otherKey(parties) }),
    repaired: keysByUrl,
  },
  {
    cause: "token-without-key-id",
    code: "ERR_TOKEN_KEY_UNKNOWN",
    broken: (parties) => ({ ...withHeader({ kid: undefined })(parties), issuer: otherKey(parties) }),
    repaired: (parties) => ({ ...withHeader({ kid: undefined })(parties), ...keysByUrl(parties) }),
  },
  { cause: "signature-missing", code: "ERR_TOKEN_SIGNATURE", broken: withText((token) => token.replace(/[^.]*$/, "")) },
  {
    cause: "signature-truncated",
    code: "ERR_TOKEN_SIGNATURE",
    broken: withText((token) => token.replace(/[^.]*$/, (signature) => signature.slice(0, 40))),
  },
  {
    cause: "signature-in-asn1",
    code: "ERR_TOKEN_SIGNATURE",
    broken: (parties) => signedBy(parties, "der"),
    repaired: (parties) => signedBy(parties, "ieee-p1363"),
  },
  { cause: "signature-wrong", code: "ERR_TOKEN_SIGNATURE", broken: withText(tamperSignature) },
];

/** All broken set-ups. */
export const brokenSetups: readonly BrokenSetup[] = [
  ...malformedToken,
  ...headers,
  ...issuers,
  ...audiences,
  ...claims,
  ...files,
  ...forwarded,
  ...confirmations,
  ...mismatches,
  ...keys,
  ...signatures,
];

/** Returns the arguments and the token of a set-up. */
export async function inputsOf(
  parties: Parties,
  { token, issuer, audience, presents, more = [] }: Setup,
): Promise<{ readonly token: string; readonly argv: readonly string[] }> {
  const argv = [
    ...(issuer ?? ["--issuer", parties.issuer.issuer, "--jwks", parties.keyFile]),
    ...(audience ?? ["--audience", parties.issuer.audience]),
    ...(presents ?? ["--cert", parties.folder.file("client.pem", parties.client.certificate)]),
    ...more,
  ];
  return { token: (await token) ?? (await issued(parties)), argv };
}

/** Returns the parts of a token that the output must not contain. */
export function secretsOf(token: string): readonly string[] {
  return token.split(".").filter((part) => part.length >= 16);
}
