import { describe, expect, test } from "vitest";
import { endpointOf, type Question, questionOf } from "../../support/asking.ts";
import { ExchangeError } from "../../../src/issuer/exchange.ts";
import { reasonOf } from "../../support/outcome.ts";
import { startIssuerInTest } from "../../support/verification.ts";

/** What stands in every form. */
const asked = { token: "token", token_type_hint: "access_token" };

const names: readonly (readonly [string, string, string])[] = [
  ["plain text", "api", "secret"],
  ["what separates the two", "a:pi", "se:cret"],
  ["what a form escapes", "a+p i", "s+e c%20r&e=t?/#%"],
  ["quotes and brackets", `a"p'i`, "(s){e}[c]<r>*!~_-.\\"],
  ["letters beyond ASCII", "äpi", "sécrét€😀"],
];

/** Decodes the header as RFC 6749 section 2.3.1 writes it: two values of a form, between them a colon. */
function basicCredentials({ headers }: Question): readonly string[] {
  const [, encoded = ""] = /^Basic ([\w+/]+=*)$/.exec(headers.authorization ?? "") ?? [];
  const parts = Buffer.from(encoded, "base64").toString("latin1").split(":");
  expect(parts.join("")).toMatch(/^[\w%+*.-]+$/);
  return parts.map((part) => new URLSearchParams(`x=${part}`).get("x") ?? "");
}

describe("client_secret_basic", () => {
  test("sends id and secret in the header, and nothing of them in the form", async () => {
    const question = await questionOf({ clientId: "api", clientSecret: "s3cret" });
    expect(question.headers.authorization).toBe(`Basic ${btoa("api:s3cret")}`);
    expect(question.form).toEqual(asked);
  });

  test("encodes them as a form does, first of all (RFC 6749 section 2.3.1)", async () => {
    const question = await questionOf({ clientId: "a:b c", clientSecret: "1+1=2 é" });
    expect(question.headers.authorization).toBe(`Basic ${btoa("a%3Ab+c:1%2B1%3D2+%C3%A9")}`);
  });

  test.each(names)("brings over %s", async (_name, clientId, clientSecret) => {
    const question = await questionOf({ clientId, clientSecret, clientAuthentication: "client_secret_basic" });
    expect(basicCredentials(question)).toEqual([clientId, clientSecret]);
    expect(question.form).toEqual(asked);
  });
});

describe("client_secret_post", () => {
  test.each(names)("sends in the form %s", async (_name, clientId, clientSecret) => {
    const { headers, form } = await questionOf({ clientId, clientSecret, clientAuthentication: "client_secret_post" });
    expect(form).toEqual({ ...asked, client_id: clientId, client_secret: clientSecret });
    expect(headers.authorization).toBeUndefined();
  });
});

describe.each(["tls_client_auth", "self_signed_tls_client_auth"])("%s", (clientAuthentication) => {
  test("sends the id, so that the issuer knows whose certificate to expect (RFC 8705 section 2)", async () => {
    const { headers, form } = await questionOf({ clientId: "äpi", clientAuthentication }, { fetch });
    expect(form).toEqual({ ...asked, client_id: "äpi" });
    expect(headers.authorization).toBeUndefined();
  });
});

describe("an issuer", () => {
  test.each(["client_secret_basic", "client_secret_post"])("takes %s, but no other secret", async (method) => {
    const { issuer, introspectionClient, opaqueToken } = await startIssuerInTest();
    const token = await opaqueToken();
    const ask = (clientSecret: string) => {
      const client = { ...introspectionClient, clientSecret, clientAuthentication: method };
      return endpointOf(client, { issuer }).ask(token);
    };
    expect(await ask(introspectionClient.clientSecret)).toMatchObject({ active: true });
    expect(await reasonOf(ask(`${introspectionClient.clientSecret}x`))).toBeInstanceOf(ExchangeError);
  });
});
