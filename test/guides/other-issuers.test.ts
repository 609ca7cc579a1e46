import { createServer, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { AccessTokenError, createVerifier } from "@certbound/core";
import { type AccessTokenOptions, createCertificateAuthority, createIssuer, startServer } from "@certbound/testing";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { authlete, janssen, janssenToken, oktaOrg, pingAm, splitHorizon, wso2 } from "./other-issuers.ts";

const [ca, issuer] = await Promise.all([createCertificateAuthority(), createIssuer()]);
const [client, thief] = await Promise.all([ca.issueClientCertificate(), ca.issueClientCertificate()]);
afterAll(() => issuer.close());

const cnf = { "x5t#S256": client.thumbprint };
const later = Math.floor(Date.now() / 1000) + 300;

/** A request that the server received. */
interface Received {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly form: Readonly<Record<string, string>>;
}

/** Responds like a server, according to its documentation. */
type Respond = (received: Received) => object | undefined;

/** Starts a server that replaces the issuer, and returns a `fetch` that sends every request to it. */
async function startIssuer(respondTo: Respond) {
  const received: Received[] = [];
  const handle = async (request: IncomingMessage): Promise<object | undefined> => {
    const form = Object.fromEntries(new URLSearchParams(await text(request)));
    const entry = { path: request.url ?? "", authorization: request.headers.authorization, form };
    received.push(entry);
    return respondTo(entry);
  };
  const server = createServer((request, response) => {
    void handle(request).then((body) => {
      response.writeHead(body === undefined ? 404 : 200, { "content-type": "application/json" });
      response.end(JSON.stringify(body));
    });
  });
  const { url, close } = await startServer(server);
  onTestFinished(close);
  const fetchFromIssuer: typeof fetch = (input, init) => {
    const { pathname, search } = new URL(input instanceof Request ? input.url : input);
    return fetch(url + pathname + search, init);
  };
  return { url, received, fetch: fetchFromIssuer };
}

/** Responds with the metadata at the location of OpenID Connect Discovery, and with the keys. */
function publishing(identifier: string, additionalMetadata: object = {}): Respond {
  const { origin, pathname } = new URL(identifier);
  const metadata = { issuer: identifier, jwks_uri: `${origin}/keys`, ...additionalMetadata };
  return ({ path }) => {
    if (path === `${pathname.replace(/\/$/, "")}/.well-known/openid-configuration`) return metadata;
    return path === "/keys" ? issuer.jwks : undefined;
  };
}

/** Verifies a token with a configuration of the guide; returns "accepted" or the code of the rejection. */
async function outcomeOf(options: object, token: string, identity = client): Promise<string> {
  const verifier = createVerifier(options);
  return verifier.verify(token, { clientCertificate: identity.certificate }).then(
    () => "accepted",
    (error: unknown) => {
      if (error instanceof AccessTokenError) return error.code;
      throw error;
    },
  );
}

const bound = (options: AccessTokenOptions) => issuer.accessToken({ boundTo: client, ...options });

describe("PingAM", () => {
  const claims = {
    iss: pingAm.issuer as string,
    aud: "payments",
    client_id: undefined,
    scope: ["accounts"],
    nonce: "n-1",
    token_type: "Bearer",
    tokenName: "access_token",
    cts: "OAUTH2_STATELESS_GRANT",
  };

  test("issues tokens with a nonce, a list of scopes, and the port in the issuer", async () => {
    const { fetch } = await startIssuer(publishing(claims.iss));
    const options = { ...pingAm, fetch };
    const token = await bound({ header: { typ: "JWT" }, claims });
    expect([await outcomeOf(options, token), await outcomeOf(options, token, thief)]).toEqual([
      "accepted",
      "ERR_BINDING_MISMATCH",
    ]);
    const withoutPort = { ...claims, iss: claims.iss.replace(":443", "") };
    expect(await outcomeOf(options, await bound({ header: { typ: "JWT" }, claims: withoutPort }))).toBe(
      "ERR_TOKEN_ISSUER",
    );
    const idToken = { ...claims, at_hash: "x" };
    expect(await outcomeOf(options, await bound({ header: { typ: "JWT" }, claims: idToken }))).toBe("ERR_TOKEN_TYPE");
  });
});

describe("WSO2 Identity Server", () => {
  test("returns cnf for its opaque tokens, and does not support a token type hint", async () => {
    const { fetch, received } = await startIssuer(({ path, form }) =>
      path === "/oauth2/introspect" && form["token_type_hint"] === undefined
        ? { active: true, token_type: "Bearer", aud: "payments", exp: later, scope: "accounts", cnf, nbf: null }
        : { active: false },
    );
    const options = { ...wso2, fetch, introspection: { ...wso2.introspection, clientSecret: "secret" } };
    expect(await outcomeOf(options, "8b1f4e1c-2f5d")).toBe("accepted");
    expect(await outcomeOf(options, "8b1f4e1c-2f5d", thief)).toBe("ERR_BINDING_MISMATCH");
    const withHint = { ...options, introspection: { ...options.introspection, tokenTypeHint: true } };
    expect(await outcomeOf(withHint, "8b1f4e1c-2f5d")).toBe("ERR_TOKEN_INACTIVE");
    expect(received[0]?.authorization).toMatch(/^Basic /);
  });
});

describe("Authlete", () => {
  test("returns cnf from its standard introspection", async () => {
    const { fetch } = await startIssuer(({ form }) =>
      form["token"] === "known"
        ? { active: true, aud: ["https://api.example.com"], exp: later, cnf }
        : { active: false },
    );
    const options = { ...authlete, fetch, introspection: { ...authlete.introspection, clientSecret: "secret" } };
    expect(await outcomeOf(options, "known")).toBe("accepted");
    expect(await outcomeOf(options, "known", thief)).toBe("ERR_BINDING_MISMATCH");
    expect(await outcomeOf(options, "unknown")).toBe("ERR_TOKEN_INACTIVE");
  });
});

describe("Janssen", () => {
  const endpoint = { introspection_endpoint: "https://jans.example.com/jans-auth/restv1/introspection" };
  const publish = publishing(janssen.issuer as string, endpoint);

  test("authenticates the API by an access token instead of credentials", async () => {
    janssenToken.current = async () => "token-of-the-api";
    const { fetch, received } = await startIssuer((request) =>
      request.path === "/jans-auth/restv1/introspection"
        ? { active: request.authorization === "Bearer token-of-the-api", aud: "payments", exp: later, cnf }
        : publish(request),
    );
    const options = { ...janssen, fetch };
    expect(await outcomeOf(options, "opaque")).toBe("accepted");
    expect(await outcomeOf(options, "opaque", thief)).toBe("ERR_BINDING_MISMATCH");
    expect(received.at(-1)?.authorization).toBe("Bearer token-of-the-api");
    janssenToken.current = async () => "another-token";
    expect(await outcomeOf(options, "opaque")).toBe("ERR_TOKEN_INACTIVE");
  });
});

describe("the org authorization server of Okta", () => {
  const iss = oktaOrg.issuer as string;
  const publish = publishing(iss, { introspection_endpoint: `${iss}/oauth2/v1/introspect` });

  test("issues JWTs that only introspection can verify", async () => {
    const { fetch } = await startIssuer((request) =>
      request.path === "/oauth2/v1/introspect" ? { active: true, aud: iss, exp: later, cnf } : publish(request),
    );
    const options = { ...oktaOrg, fetch, introspection: { ...oktaOrg.introspection, clientSecret: "secret" } };
    // Other parties cannot verify these tokens: the type is internal and the key is not published.
    const other = await createIssuer();
    onTestFinished(other.close);
    const token = await other.accessToken({ boundTo: client, header: { typ: "application/okta-internal-at+jwt" } });
    expect(await outcomeOf(options, token)).toBe("accepted");
    expect(await outcomeOf(options, token, thief)).toBe("ERR_BINDING_MISMATCH");
    const verifying = { ...options, introspection: { ...options.introspection, jwtsAsOpaque: false } };
    expect(await outcomeOf(verifying, token)).toBe("ERR_TOKEN_TYPE");
  });
});

describe("an issuer under two addresses", () => {
  test("is requested at the internal address and identified by the public address", async () => {
    const iss = splitHorizon.issuer as string;
    const { url, received } = await startIssuer(publishing(iss));
    const { fetch } = splitHorizon;
    // Replaces the host name of the guide, which exists only in a container network.
    const original = globalThis.fetch;
    onTestFinished(() => {
      globalThis.fetch = original;
    });
    globalThis.fetch = (input, init) => original(new Request(input).url.replace("http://keycloak:8080", url), init);
    const aud = "https://api.example.com";
    expect(await outcomeOf({ ...splitHorizon, fetch }, await bound({ claims: { iss, aud } }))).toBe("accepted");
    expect(received.map(({ path }) => path)).toEqual([
      "/.well-known/oauth-authorization-server/realms/accounts",
      "/realms/accounts/.well-known/openid-configuration",
      "/keys",
    ]);
    const internal = await bound({ claims: { iss: "http://keycloak:8080/realms/accounts", aud } });
    expect(await outcomeOf({ ...splitHorizon, fetch }, internal)).toBe("ERR_TOKEN_ISSUER");
  });
});
