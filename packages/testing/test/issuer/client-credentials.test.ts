import { describe, expect, test } from "vitest";
import { authenticates, createClientCredentials } from "../../src/issuer/client-credentials.ts";

const client = { clientId: "the api", clientSecret: "s:%+ü" };
const form = { client_id: client.clientId, client_secret: client.clientSecret };
const none = new URLSearchParams();

function basic(userAndPassword: string, scheme = "Basic"): string {
  return `${scheme} ${Buffer.from(userAndPassword).toString("base64")}`;
}

describe("createClientCredentials", () => {
  test("creates a new secret of 32 bytes each time", () => {
    const [one, other] = [createClientCredentials("api"), createClientCredentials("api")];
    expect(one).toEqual({ clientId: "api", clientSecret: expect.stringMatching(/^[\w-]{43}$/) });
    expect(one.clientSecret).not.toBe(other.clientSecret);
  });
});

describe("client_secret_basic", () => {
  test.each([
    ["with form encoding", basic("the+api:s%3A%25%2B%C3%BC")],
    ["with unnecessary encoding", basic("%74he%20api:%73%3a%25%2b%c3%bc")],
    ["with an upper-case scheme", basic("the+api:s%3A%25%2B%C3%BC", "BASIC")],
    ["with an unencoded colon in the secret", basic("the+api:s:%25%2B%C3%BC")],
  ])("accepts credentials %s", (_, authorization) => {
    expect(authenticates(client, authorization, none)).toBe(true);
  });

  test.each([
    ["that are not encoded", basic("the api:s:%+ü")],
    ["that are encoded twice", basic("the+api:s%253A%2525%252B%25C3%25BC")],
    ["with another secret", basic("the+api:s%3A%25%2B%C3%BD")],
    ["with another client", basic("the+app:s%3A%25%2B%C3%BC")],
    ["of another scheme", basic("the+api:s%3A%25%2B%C3%BC", "Bearer")],
    ["without a secret", basic("the+api")],
    ["with an empty secret", basic("the+api:")],
    ["that are not base64", "Basic the+api:s%3A%25%2B%C3%BC"],
    ["in two parts", `${basic("the+api:s%3A%25%2B%C3%BC")} x`],
    ["that are missing", "Basic"],
    ["that are empty", ""],
  ])("rejects credentials %s", (_, authorization) => {
    expect(authenticates(client, authorization, none)).toBe(false);
  });

  test("takes precedence over credentials in the form", () => {
    expect(authenticates(client, basic("the+api:wrong"), new URLSearchParams(form))).toBe(false);
  });
});

describe("client_secret_post", () => {
  test("accepts the credentials of the client", () => {
    expect(authenticates(client, undefined, new URLSearchParams(form))).toBe(true);
  });

  test.each([
    ["another secret", new URLSearchParams({ ...form, client_secret: "s:%+u" })],
    ["another client", new URLSearchParams({ ...form, client_id: "the app" })],
    ["a form without a secret", new URLSearchParams({ client_id: form.client_id })],
    ["a form without a client", new URLSearchParams({ client_secret: form.client_secret })],
    ["two secrets", new URLSearchParams([...Object.entries(form), ["client_secret", form.client_secret]])],
    ["two clients", new URLSearchParams([...Object.entries(form), ["client_id", form.client_id]])],
    ["a form without credentials", none],
  ])("rejects %s", (_, credentials) => {
    expect(authenticates(client, undefined, credentials)).toBe(false);
  });
});
