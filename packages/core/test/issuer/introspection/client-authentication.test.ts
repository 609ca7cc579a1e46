import { fc } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import {
  endpointOf,
  type RecordedRequest,
  recordedRequestOf,
  startIntrospectionEndpoint,
} from "../../support/introspection-endpoint.ts";
import { status } from "../../support/endpoint.ts";
import { IssuerRequestError } from "../../../src/issuer/issuer-request.ts";
import { reasonOf } from "../../support/outcome.ts";
import { startIssuerInTest } from "../../support/verification.ts";

/** The members of the form that do not depend on the authentication. */
const formWithoutClient = { token: "token", token_type_hint: "access_token" };

const names: readonly (readonly [string, string, string])[] = [
  ["plain text", "api", "secret"],
  ["colons", "a:pi", "se:cret"],
  ["characters that a form escapes", "a+p i", "s+e c%20r&e=t?/#%"],
  ["quotes and brackets", `a"p'i`, "(s){e}[c]<r>*!~_-.\\"],
  ["characters outside ASCII", "äpi", "sécrét€😀"],
];

/** Decodes the header according to RFC 6749 section 2.3.1: two form-encoded values, separated by a colon. */
function basicCredentials({ headers }: RecordedRequest): readonly string[] {
  const [, encoded = ""] = /^Basic ([\w+/]+=*)$/.exec(headers.authorization ?? "") ?? [];
  const parts = Buffer.from(encoded, "base64").toString("latin1").split(":");
  expect(parts.join("")).toMatch(/^[\w%+*.-]+$/);
  return parts.map((part) => new URLSearchParams(`x=${part}`).get("x") ?? "");
}

describe("client_secret_basic", () => {
  test("sends the client ID and the secret in the header, and not in the form", async () => {
    const request = await recordedRequestOf({ clientId: "api", clientSecret: "s3cret" });
    expect(request.headers.authorization).toBe(`Basic ${btoa("api:s3cret")}`);
    expect(request.form).toEqual(formWithoutClient);
  });

  test("form-encodes the client ID and the secret before base64 (RFC 6749 section 2.3.1)", async () => {
    const request = await recordedRequestOf({ clientId: "a:b c", clientSecret: "1+1=2 é" });
    expect(request.headers.authorization).toBe(`Basic ${btoa("a%3Ab+c:1%2B1%3D2+%C3%A9")}`);
  });

  test.each([
    ["6f9619ff-8b86-d011-b42d-00c04fc964ff", "6f9619ff-8b86-d011-b42d-00c04fc964ff"],
    ["accounts_api.prod*1", "accounts_api.prod*1"],
    ["a b", "a+b"],
    ["~!'()", "%7E%21%27%28%29"],
    ["a:b&c=d/e?f%g+h", "a%3Ab%26c%3Dd%2Fe%3Ff%25g%2Bh"],
    ["é😀", "%C3%A9%F0%9F%98%80"],
  ])("encodes %j exactly like URLSearchParams", async (text, written) => {
    expect(new URLSearchParams({ x: text }).toString()).toBe(`x=${written}`);
    const { headers } = await recordedRequestOf({ clientId: text, clientSecret: text });
    expect(headers.authorization).toBe(`Basic ${btoa(`${written}:${written}`)}`);
  });

  test("transfers any client ID and secret", async () => {
    const { url, recordedRequests } = await startIntrospectionEndpoint();
    const introspect = (clientId: string, clientSecret: string) =>
      endpointOf({ endpoint: url, clientId, clientSecret }).introspect("token");
    const texts = fc.string({ minLength: 1, unit: "grapheme" });
    await fc.assert(
      fc.asyncProperty(texts, texts, async (clientId, clientSecret) => {
        await Promise.all([introspect(clientId, clientSecret), introspect(`${clientId}x`, clientSecret)]);
        const [one, other] = recordedRequests.slice(-2).map(basicCredentials);
        expect([one, other]).toContainEqual([clientId, clientSecret]);
        expect([one, other]).toContainEqual([`${clientId}x`, clientSecret]);
      }),
      { seed: 6749, numRuns: 60 },
    );
  });

  test("is mentioned in the error for status 401, with the other method", async () => {
    const { url } = await startIntrospectionEndpoint(status(401, {}));
    const messageOf = async (options: object): Promise<string> => {
      const endpoint = endpointOf({ clientId: "api", clientSecret: "MARKER", endpoint: url, ...options });
      return String(await reasonOf(endpoint.introspect("token")));
    };
    expect(await messageOf({})).toMatch(/status 401 \(.*clientAuthentication "client_secret_post"/);
    const post = await messageOf({ clientAuthentication: "client_secret_post" });
    expect(post).toMatch(/status 401 \(wrong credentials of this API\?\)$/);
    expect(await messageOf({})).not.toContain("MARKER");
  });

  test.each(names)("transfers %s", async (_name, clientId, clientSecret) => {
    const request = await recordedRequestOf({ clientId, clientSecret, clientAuthentication: "client_secret_basic" });
    expect(basicCredentials(request)).toEqual([clientId, clientSecret]);
    expect(request.form).toEqual(formWithoutClient);
  });
});

describe("client_secret_post", () => {
  test.each(names)("sends the client ID and the secret in the form: %s", async (_name, clientId, clientSecret) => {
    const { headers, form } = await recordedRequestOf({
      clientId,
      clientSecret,
      clientAuthentication: "client_secret_post",
    });
    expect(form).toEqual({ ...formWithoutClient, client_id: clientId, client_secret: clientSecret });
    expect(headers.authorization).toBeUndefined();
  });
});

describe.each(["tls_client_auth", "self_signed_tls_client_auth"])("%s", (clientAuthentication) => {
  test("sends the client_id, which tells the issuer which certificate to expect (RFC 8705 section 2)", async () => {
    const { headers, form } = await recordedRequestOf({ clientId: "äpi", clientAuthentication }, { fetch });
    expect(form).toEqual({ ...formWithoutClient, client_id: "äpi" });
    expect(headers.authorization).toBeUndefined();
  });
});

describe("the issuer of the test kit", () => {
  test.each(["client_secret_basic", "client_secret_post"])("accepts %s with the right secret only", async (method) => {
    const { issuer, introspectionClient, opaqueToken } = await startIssuerInTest();
    const token = await opaqueToken();
    const introspect = (clientSecret: string) => {
      const client = { ...introspectionClient, clientSecret, clientAuthentication: method };
      return endpointOf(client, { issuer }).introspect(token);
    };
    expect(await introspect(introspectionClient.clientSecret)).toMatchObject({ active: true });
    expect(await reasonOf(introspect(`${introspectionClient.clientSecret}x`))).toBeInstanceOf(IssuerRequestError);
  });
});
