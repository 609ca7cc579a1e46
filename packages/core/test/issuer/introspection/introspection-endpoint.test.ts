import { describe, expect, test } from "vitest";
import { IssuerRequestError } from "../../../src/issuer/issuer-request.ts";
import { endpointOf, questionOf, secret, startAskedEndpoint } from "../../support/asking.ts";
import { json, startEndpoint, status } from "../../support/endpoint.ts";
import { reasonOf } from "../../support/outcome.ts";

const signedType = "application/token-introspection+jwt";

describe("the question", () => {
  test("is a form with the token, and that it is an access token (RFC 7662 section 2.1)", async () => {
    const { method, headers, form } = await questionOf(secret);
    expect(method).toBe("POST");
    expect(headers["content-type"]).toMatch(/^application\/x-www-form-urlencoded(?:;charset=utf-8)?$/i);
    expect(form).toEqual({ token: "token", token_type_hint: "access_token" });
  });

  test.each(["a+b/c=d~e.f_g-h==", "eyJhbGciOiJFUzI1NiJ9.e30.c2ln", "100%25&token=evil", "x".repeat(16_384)])(
    "brings over every letter of the token (%#)",
    async (token) => {
      const { url, questions, requests } = await startAskedEndpoint();
      await endpointOf({ ...secret, endpoint: url }).introspect(token);
      expect(questions).toMatchObject([{ form: { token, token_type_hint: "access_token" } }]);
      expect(requests).toEqual(["/"]);
    },
  );

  test("asks for JSON, or for a signed answer and nothing else (RFC 9701 section 4)", async () => {
    expect((await questionOf(secret)).headers.accept).toBe("application/json");
    const { url, questions } = await startAskedEndpoint();
    const asked = endpointOf({ ...secret, endpoint: url, signedResponse: true }).introspect("token");
    expect(await reasonOf(asked)).toBeInstanceOf(IssuerRequestError);
    expect(questions.map(({ headers }) => headers.accept)).toEqual([signedType]);
  });

  test("goes to the configured address as it is, and to no other", async () => {
    const issuer = await startEndpoint(status(404, {}));
    const { url, requests } = await startAskedEndpoint();
    const endpoint = endpointOf({ ...secret, endpoint: `${url}/oauth/introspect?realm=a%20b` }, { issuer: issuer.url });
    await endpoint.ready();
    expect(await endpoint.locate()).toBe(`${url}/oauth/introspect?realm=a%20b`);
    expect(requests).toEqual([]);
    await endpoint.introspect("token");
    expect(requests).toEqual(["/oauth/introspect?realm=a%20b"]);
    expect(issuer.requests).toEqual([]);
  });

  test("goes through the fetch of the application", async () => {
    const { url, requests } = await startAskedEndpoint();
    const sent: unknown[] = [];
    const counting: typeof fetch = (target, init) => {
      sent.push(new Request(target).url);
      return fetch(target, init);
    };
    await endpointOf({ ...secret, endpoint: `${url}/x` }, { fetch: counting }).introspect("token");
    expect({ sent, requests }).toEqual({ sent: [`${url}/x`], requests: ["/x"] });
  });
});

describe("the answer", () => {
  const ask = async (document: unknown, type?: string): Promise<unknown> => {
    const { url } = await startAskedEndpoint(json(document, type));
    return endpointOf({ ...secret, endpoint: url }).introspect("token");
  };

  test("is given with all that it says", async () => {
    const document = { active: true, sub: "a", cnf: { "x5t#S256": "x" }, other: [{ deep: null }], iss: 1, exp: "soon" };
    expect(await ask(document)).toEqual(document);
    expect(await ask({ active: false, sub: "a" })).toEqual({ active: false, sub: "a" });
  });

  test.each(["application/json;charset=utf-8", "application/json; charset=UTF-8", "Application/JSON"])(
    "can come as %s",
    async (type) => {
      expect(await ask({ active: true }, type)).toEqual({ active: true });
    },
  );

  test("is frozen, with all that it holds (Q-01)", async () => {
    const answer = (await ask({ active: true, cnf: { a: 1 }, list: [{}] })) as Record<string, unknown>;
    const { cnf, list } = answer as { readonly cnf: object; readonly list: readonly [object] };
    expect([answer, cnf, list, list[0]].map(Object.isFrozen)).toEqual([true, true, true, true]);
  });
});
