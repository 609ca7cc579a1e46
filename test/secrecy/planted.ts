import { createVerifier, fromProxy, nginx, type Verifier } from "@certbound/core";
import {
  type AccessTokenOptions,
  createCertificateAuthority,
  createIssuer,
  type Identity,
  startServer,
} from "@certbound/testing";
import { X509Certificate } from "node:crypto";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import type { ServerTls } from "../adapters/backend.ts";
import { NOW } from "../helpers/parties.ts";
import type { Secrets } from "./leaks.ts";

/** Returns a unique text with characters that need escaping. */
const plant = (name: string): string => `planted/${name}+7Qz?Xw`;

/** Returns a unique text for headers and names, where these characters are not allowed. */
const plantName = (name: string): string => `planted-${name}-7qzxw`;

/** The claims about the client, in a token or in an introspection response. */
const claims = {
  sub: plant("sub"),
  client_id: plant("client"),
  jti: plant("jti"),
  email: plant("email"),
  scope: plantName("scope"),
  acr: plant("acr"),
  groups: [plant("group")],
  nested: { [plant("name")]: [{ deep: plant("deep") }] },
};

const PROXY_SECRET = plantName("proxy-secret-of-thirty-two-characters");
const CLIENT_SECRET = plant("client-secret");
const API = plant("api");
const KEY_ID = plant("kid");
const QUERY = plantName("query");

/** Parties of a request whose secrets can all be recognised by their text. */
export interface Planted {
  readonly secrets: Secrets;
  readonly client: Identity;
  readonly thief: Identity;
  readonly ca: string;
  readonly tls: ServerTls;
  readonly token: (options?: AccessTokenOptions) => Promise<string>;
  /** Creates an opaque token with this introspection response. */
  readonly opaqueToken: (response?: object) => string;
  readonly verifiers: Readonly<Record<"keys" | "unreachable" | "introspecting" | "failing", Verifier>>;
  readonly proxied: ReturnType<typeof fromProxy>;
  /** Returns the header fields of the proxy: its secret, and a certificate in its format. */
  readonly proxyFields: (certificate: string) => readonly (readonly [string, string])[];
  readonly close: () => Promise<void>;
}

/** Creates the parties and their secrets. */
export async function createPlanted(): Promise<Planted> {
  const clock = (): number => NOW * 1000;
  const [ca, issuer] = await Promise.all([createCertificateAuthority(), createIssuer({ clock })]);
  await issuer.close();
  const named = (name: string) => ({
    commonName: plant(`${name}-subject`),
    subjectAlternativeNames: [`DNS:${plantName(name)}.example`, `email:${plantName(name)}@mail.example`],
  });
  const [server, client, thief] = await Promise.all([
    ca.issueServerCertificate(),
    ca.issueClientCertificate(named("client")),
    ca.issueClientCertificate(named("thief")),
  ]);

  const introspections = new Map<string, object>();
  const fails = { status: 500, body: JSON.stringify({ error: plant("error-page"), ...claims }) };
  const endpoint = createServer((request, response) => {
    const respond = async (): Promise<void> => {
      const token = new URLSearchParams(await text(request)).get("token") ?? "";
      const known = request.url?.startsWith("/introspect") === true ? introspections.get(token) : undefined;
      response.writeHead(known === undefined ? fails.status : 200, { "content-type": "application/json" });
      response.end(known === undefined ? fails.body : JSON.stringify(known));
    };
    void respond();
  });
  const { url, close } = await startServer(endpoint);

  const [jwk = {}] = issuer.jwks.keys;
  const jwks = { keys: [{ ...jwk, kid: KEY_ID }] };
  const trust = { issuer: issuer.issuer, audience: issuer.audience, clock };
  const api = { clientId: API, clientSecret: CLIENT_SECRET };
  const verifiers = {
    keys: createVerifier({ ...trust, jwks }),
    unreachable: createVerifier({ ...trust, jwks: `${url}/jwks?key=${QUERY}` }),
    introspecting: createVerifier({
      ...trust,
      jwks,
      introspection: { ...api, endpoint: `${url}/introspect?${QUERY}` },
    }),
    failing: createVerifier({ ...trust, jwks, introspection: { ...api, endpoint: `${url}/fail?${QUERY}` } }),
  };

  let tokens = 0;
  return {
    secrets: {
      ...Object.fromEntries(Object.entries(claims).map(([name, value]) => [name, textOf(value)])),
      ...secretsOfKey(jwk),
      ...secretsOf("client", client),
      ...secretsOf("thief", thief),
      "name of a claim": plant("name"),
      "error page": plant("error-page"),
      kid: KEY_ID,
      "proxy secret": PROXY_SECRET,
      "client secret": CLIENT_SECRET,
      "client secret, as it is sent": `${encodeURIComponent(API)}:${encodeURIComponent(CLIENT_SECRET)}`,
      "name of the API at the issuer": API,
      "query of a URL": QUERY,
      "opaque token": plantName("opaque"),
    },
    client,
    thief,
    ca: ca.certificate,
    tls: {
      key: server.key,
      cert: server.certificate,
      requestCert: true,
      rejectUnauthorized: false,
      maxHeaderSize: 32_768,
    },
    token: (options = {}) =>
      issuer.accessToken({
        boundTo: client,
        ...options,
        header: { kid: KEY_ID, planted: plant("header"), ...options.header },
        claims: { ...claims, ...options.claims },
      }),
    opaqueToken: (response = {}) => {
      tokens += 1;
      const token = `${plantName("opaque")}${tokens}`;
      const cnf = { "x5t#S256": client.thumbprint };
      introspections.set(token, { active: true, aud: issuer.audience, cnf, ...claims, ...response });
      return token;
    },
    verifiers,
    proxied: fromProxy(nginx(), { trust: { secret: { header: "x-proxy-secret", value: PROXY_SECRET } } }),
    proxyFields: (certificate) => [
      ["x-proxy-secret", PROXY_SECRET],
      ["ssl-client-verify", "SUCCESS"],
      ["ssl-client-cert", encodeURIComponent(certificate)],
    ],
    close,
  };
}

/** Returns the text by which a claim value is recognised, even if the value is an array or an object. */
function textOf(value: (typeof claims)[keyof typeof claims]): string {
  if (typeof value === "string") return value;
  return Array.isArray(value) ? (value[0] ?? "") : plant("deep");
}

function secretsOfKey(jwk: object): Secrets {
  const { x = "", y = "" } = jwk as { readonly x?: string; readonly y?: string };
  return { "x of the issuer's key": Buffer.from(x, "base64url"), "y of the issuer's key": Buffer.from(y, "base64url") };
}

function secretsOf(name: string, { certificate, der, key, thumbprint }: Identity): Secrets {
  const [, ...lines] = certificate.trim().split("\n");
  return {
    [`subject of the ${name}`]: plant(`${name}-subject`),
    [`alternative names of the ${name}`]: plantName(name),
    [`serial number of the ${name}`]: Buffer.from(new X509Certificate(certificate).serialNumber, "hex"),
    [`certificate of the ${name}`]: der,
    [`first line of the certificate of the ${name}`]: lines[0] ?? "",
    [`last line of the certificate of the ${name}`]: lines.at(-2) ?? "",
    [`private key of the ${name}`]: key.split("\n")[1] ?? "",
    [`thumbprint of the ${name}`]: Buffer.from(thumbprint, "base64url"),
  };
}
