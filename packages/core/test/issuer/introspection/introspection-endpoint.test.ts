import { describe, expect, test } from "vitest";
import { IssuerRequestError } from "../../../src/issuer/issuer-request.ts";
import {
  endpointOf,
  recordedRequestOf,
  secret,
  startIntrospectionEndpoint,
} from "../../support/introspection-endpoint.ts";
import { json, startEndpoint, status } from "../../support/endpoint.ts";
import { reasonOf } from "../../support/outcome.ts";

const signedType = "application/token-introspection+jwt";

describe("the introspection request", () => {
  test("is a form with the token and its type as a hint (RFC 7662 section 2.1)", async () => {
    const { method, headers, form } = await recordedRequestOf(secret);
    expect(method).toBe("POST");
    expect(headers["content-type"]).toMatch(/^application\/x-www-form-urlencoded(?:;charset=utf-8)?$/i);
    expect(form).toEqual({ token: "token", token_type_hint: "access_token" });
  });

  test.each(["a+b/c=d~e.f_g-h==", "eyJhbGciOiJFUzI1NiJ9.e30.c2ln", "100%25&token=evil", "x".repeat(16_384)])(
    "transfers every character of the token (%#)",
    async (token) => {
      const { url, recordedRequests, requests } = await startIntrospectionEndpoint();
      await endpointOf({ ...secret, endpoint: url }).introspect(token);
      expect(recordedRequests).toMatchObject([{ form: { token, token_type_hint: "access_token" } }]);
      expect(requests).toEqual(["/"]);
    },
  );

  test("accepts JSON, or with signedResponse only a signed response (RFC 9701 section 4)", async () => {
    expect((await recordedRequestOf(secret)).headers.accept).toBe("application/json");
    const { url, recordedRequests } = await startIntrospectionEndpoint();
    const response = endpointOf({ ...secret, endpoint: url, signedResponse: true }).introspect("token");
    expect(await reasonOf(response)).toBeInstanceOf(IssuerRequestError);
    expect(recordedRequests.map(({ headers }) => headers.accept)).toEqual([signedType]);
  });

  test("is sent to exactly the configured URL, without discovery", async () => {
    const issuer = await startEndpoint(status(404, {}));
    const { url, requests } = await startIntrospectionEndpoint();
    const endpoint = endpointOf({ ...secret, endpoint: `${url}/oauth/introspect?realm=a%20b` }, { issuer: issuer.url });
    await endpoint.ready();
    expect(await endpoint.locate()).toBe(`${url}/oauth/introspect?realm=a%20b`);
    expect(requests).toEqual([]);
    await endpoint.introspect("token");
    expect(requests).toEqual(["/oauth/introspect?realm=a%20b"]);
    expect(issuer.requests).toEqual([]);
  });

  test("uses the configured fetch", async () => {
    const { url, requests } = await startIntrospectionEndpoint();
    const sent: unknown[] = [];
    const counting: typeof fetch = (target, init) => {
      sent.push(new Request(target).url);
      return fetch(target, init);
    };
    await endpointOf({ ...secret, endpoint: `${url}/x` }, { fetch: counting }).introspect("token");
    expect({ sent, requests }).toEqual({ sent: [`${url}/x`], requests: ["/x"] });
  });
});

describe("the introspection response", () => {
  const introspect = async (document: unknown, type?: string): Promise<unknown> => {
    const { url } = await startIntrospectionEndpoint(json(document, type));
    return endpointOf({ ...secret, endpoint: url }).introspect("token");
  };

  test("is returned completely", async () => {
    const document = { active: true, sub: "a", cnf: { "x5t#S256": "x" }, other: [{ deep: null }], iss: 1, exp: "soon" };
    expect(await introspect(document)).toEqual(document);
    expect(await introspect({ active: false, sub: "a" })).toEqual({ active: false, sub: "a" });
  });

  test.each(["application/json;charset=utf-8", "application/json; charset=UTF-8", "Application/JSON"])(
    "can have the content type %s",
    async (type) => {
      expect(await introspect({ active: true }, type)).toEqual({ active: true });
    },
  );

  test("is deeply frozen (Q-01)", async () => {
    const response = (await introspect({ active: true, cnf: { a: 1 }, list: [{}] })) as Record<string, unknown>;
    const { cnf, list } = response as { readonly cnf: object; readonly list: readonly [object] };
    expect([response, cnf, list, list[0]].map(Object.isFrozen)).toEqual([true, true, true, true]);
  });
});
