import type { VerifierOptions } from "@certbound/core";
import { expect } from "vitest";
import { Agent, fetch as undiciFetch } from "undici";
import { verifierOf, verifyAs } from "../../verification.ts";
import { type Api, conforms, type ConformanceCase, rejects } from "../../conformance-case.ts";
import {
  type Responder,
  body,
  documents,
  type IssuerEndpoint,
  json,
  startIssuerEndpoint,
} from "../../issuer-endpoint.ts";
import { AUDIENCE, ISSUER, type Scene } from "../../scene.ts";

const METADATA = "/.well-known/oauth-authorization-server";

/** Two texts that look the same, and are equal only after normalisation (RFC 8414 section 4). */
const [composed, decomposed] = ["https://issuer.example/caf\u00e9", "https://issuer.example/cafe\u0301"];

const unicodeNames: Api = { verifier: () => ({ issuer: composed, audience: [composed] }) };

/** Starts an issuer with this response for its metadata, and with the keys of the scene at /jwks. */
async function startIssuer(scene: Scene, metadata: (url: string) => Responder): Promise<IssuerEndpoint> {
  const issuer = await startIssuerEndpoint((response, request) => {
    const responder = request.path === METADATA ? metadata(issuer.url) : documents({ "/jwks": scene.jwks });
    responder(response, request);
  });
  return issuer;
}

/** Verifies a token of an issuer whose keys must be discovered. */
function verify({ own, token }: Scene, issuer: string, differences: VerifierOptions = {}) {
  return verifyAs(own, verifierOf({ issuer, ...differences }), token({ claims: { iss: issuer } }));
}

const valid = (url: string): Responder => json({ issuer: url, jwks_uri: `${url}/jwks` });

/** Returns a `fetch` that sends requests for https://issuer.example to the endpoint. */
function routedTo({ url: endpoint }: IssuerEndpoint): typeof fetch {
  const route = (url: string | URL, init?: RequestInit) =>
    fetch(url.toString().replace("https://issuer.example", endpoint), init);
  return route as typeof fetch;
}

export const cases: readonly ConformanceCase[] = [
  ...(
    [
      ["another issuer", () => ISSUER],
      ["the issuer with a trailing slash", (url: string) => `${url}/`],
      ["another host name of the same server", (url: string) => url.replace("127.0.0.1", "localhost")],
      ["the issuer in another letter case", (url: string) => url.toUpperCase()],
      ["no issuer", () => undefined],
    ] as const
  ).map(([name, issuerOf]) =>
    conforms("8414-01", `does not use metadata that names ${name}`, async ({ scene }) => {
      const good = await startIssuer(scene, valid);
      expect(await verify(scene, good.url)).toBe("accepted");
      const bad = await startIssuer(scene, (url) => json({ issuer: issuerOf(url), jwks_uri: `${url}/jwks` }));
      expect(await verify(scene, bad.url)).toBe("ERR_KEYS_UNAVAILABLE");
      expect(bad.requests.map(({ path }) => path)).not.toContain("/jwks");
    }),
  ),
  ...(
    [
      ["an issuer without path", "", METADATA],
      ["an issuer with a path", "/tenant/1", `${METADATA}/tenant/1`],
      ["an issuer with a path and a trailing slash", "/tenant/1/", `${METADATA}/tenant/1`],
    ] as const
  ).map(([name, path, wellKnown]) =>
    conforms("8414-02", `fetches the metadata of ${name} from ${wellKnown}`, async ({ scene }) => {
      const issuer = await startIssuerEndpoint(documents({}));
      const identifier = issuer.url + path;
      const metadata = { issuer: identifier, jwks_uri: `${issuer.url}/jwks` };
      issuer.respondWith(documents({ [wellKnown]: metadata, "/jwks": scene.jwks }));
      expect(await verify(scene, identifier)).toBe("accepted");
      expect(issuer.requests.map((request) => request.path)).toEqual([wellKnown, "/jwks"]);
      issuer.respondWith(documents({ [`/elsewhere${wellKnown}`]: metadata, "/jwks": scene.jwks }));
      expect(await verify(scene, identifier)).toBe("ERR_KEYS_UNAVAILABLE");
    }),
  ),
  conforms("8414-03", "accepts only issuers that are https URLs without query and fragment", async () => {
    const create = (issuer: string) => () => verifierOf({ issuer });
    expect(create("https://issuer.example/tenant")).not.toThrow();
    expect(create("http://issuer.example/tenant")).toThrow(TypeError);
    expect(create("https://issuer.example/tenant?")).toThrow(TypeError);
    expect(create("https://issuer.example/tenant?a=b")).toThrow(TypeError);
    expect(create("https://issuer.example/tenant#")).toThrow(TypeError);
    expect(create("issuer.example")).toThrow(TypeError);
  }),
  conforms("8414-03", "does not fetch metadata from a server whose certificate is not trusted", async ({ scene }) => {
    const { ca } = scene;
    const { certificate: cert, key } = await ca.issueServerCertificate();
    const issuer = await startIssuerEndpoint(documents({}), { cert, key });
    const metadata = { issuer: issuer.url, jwks_uri: `${issuer.url}/jwks` };
    issuer.respondWith(documents({ [METADATA]: metadata, "/jwks": scene.jwks }));
    expect(await verify(scene, issuer.url)).toBe("ERR_KEYS_UNAVAILABLE");
    expect(issuer.requests).toEqual([]);
    const dispatcher = new Agent({ connect: { ca: ca.certificate } });
    const trusting = ((url: string, init: object) =>
      undiciFetch(url, { ...init, dispatcher })) as unknown as typeof fetch;
    expect(await verify(scene, issuer.url, { fetch: trusting })).toBe("accepted");
    await dispatcher.close();
  }),
  ...(
    [
      ["status 201", (url: string) => json({ issuer: url, jwks_uri: `${url}/jwks` }, { status: 201 })],
      ["status 500", (url: string) => json({ issuer: url, jwks_uri: `${url}/jwks` }, { status: 500 })],
      ["a list", (url: string) => json([{ issuer: url, jwks_uri: `${url}/jwks` }])],
      ["JSON in a string", (url: string) => json(JSON.stringify({ issuer: url, jwks_uri: `${url}/jwks` }))],
      ["incomplete JSON", (url: string) => body(`{"issuer":"${url}","jwks_uri":"${url}/jwks"`)],
      ["an empty body", () => body("")],
    ] as const
  ).map(([name, metadata]) =>
    conforms("8414-04", `does not use metadata in a response with ${name}`, async ({ scene }) => {
      const good = await startIssuer(scene, valid);
      expect(await verify(scene, good.url)).toBe("accepted");
      const bad = await startIssuer(scene, metadata);
      expect(await verify(scene, bad.url)).toBe("ERR_KEYS_UNAVAILABLE");
      expect(bad.requests.map(({ path }) => path)).not.toContain("/jwks");
    }),
  ),
  conforms("8414-05", "does not fetch keys from a jwks_uri that is not https", async ({ scene }) => {
    const issuer = await startIssuerEndpoint(documents({}));
    const verifyWith = (jwksUri: string) => {
      const metadata = { issuer: "https://issuer.example", jwks_uri: jwksUri };
      issuer.respondWith(documents({ [METADATA]: metadata, "/jwks": scene.jwks }));
      return verify(scene, "https://issuer.example", { fetch: routedTo(issuer) });
    };
    expect(await verifyWith("https://issuer.example/jwks")).toBe("accepted");
    const before = issuer.requests.length;
    for (const jwksUri of [`${issuer.url}/jwks`, "http://issuer.example/jwks", "/jwks", "file:///jwks"]) {
      expect(await verifyWith(jwksUri)).toBe("ERR_KEYS_UNAVAILABLE");
    }
    expect(issuer.requests.slice(before).map(({ path }) => path)).not.toContain("/jwks");
  }),
  ...["enc", "other", ""].map((use) =>
    rejects("8414-05", `a token signed with a key whose use is ${JSON.stringify(use)}`, {
      api: {
        verifier: ({ keys }) => ({
          jwks: { keys: [keys.ES256.jwk, { ...keys.ES384.jwk, use }, { ...keys.ES384.jwk, kid: "for-signatures" }] },
        }),
      },
      accepted: { token: ({ token, keys }) => token({ key: keys.ES384, header: { kid: "for-signatures" } }) },
      rejected: { token: ({ token, keys }) => token({ key: keys.ES384, header: { kid: keys.ES384.jwk.kid } }) },
      code: "ERR_TOKEN_KEY_UNKNOWN",
    }),
  ),
  rejects("8414-06", "an iss that matches only after normalisation", {
    api: unicodeNames,
    accepted: { token: ({ token }) => token({ claims: { iss: composed, aud: composed } }) },
    rejected: { token: ({ token }) => token({ claims: { iss: decomposed, aud: composed } }) },
    code: "ERR_TOKEN_ISSUER",
  }),
  rejects("8414-06", "an aud that matches only after normalisation", {
    api: unicodeNames,
    accepted: { token: ({ token }) => token({ claims: { iss: composed, aud: [AUDIENCE, composed] } }) },
    rejected: { token: ({ token }) => token({ claims: { iss: composed, aud: [AUDIENCE, decomposed] } }) },
    code: "ERR_TOKEN_AUDIENCE",
  }),
  conforms("8414-06", "does not use metadata whose issuer matches only after normalisation", async ({ scene }) => {
    const issuer = await startIssuerEndpoint(documents({}));
    const verifyWith = async (issuerInMetadata: string) => {
      const metadata = { issuer: issuerInMetadata, jwks_uri: "https://issuer.example/jwks" };
      // The endpoint ignores the path of the metadata, which is not under test.
      issuer.respondWith((response, request) =>
        json(request.path === "/jwks" ? scene.jwks : metadata)(response, request),
      );
      return verify(scene, composed, { fetch: routedTo(issuer) });
    };
    expect(await verifyWith(composed)).toBe("accepted");
    expect(await verifyWith(decomposed)).toBe("ERR_KEYS_UNAVAILABLE");
  }),
];
