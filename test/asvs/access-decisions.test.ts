import {
  createCertificateAuthority,
  createIssuer,
  type Issuer,
  mtlsRequest,
  type RunningServer,
} from "@certbound/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { userOf } from "../guides/access-decisions.ts";
import { apis } from "./apis.ts";

// Requirements of OWASP ASVS 5.0.0 section V10.3 that a route and the application decide together.

const now = Math.floor(Date.now() / 1000);
const clock = () => now * 1000;

const ca = await createCertificateAuthority();
const [bank, broker] = await Promise.all([createIssuer({ clock }), createIssuer({ clock })]);
const [host, client] = await Promise.all([ca.issueServerCertificate(), ca.issueClientCertificate()]);
afterAll(() => Promise.all([bank.close(), broker.close()]));

const configured = ({ issuer, audience }: Issuer) => ({ issuer, audience });
const protection = {
  issuer: [{ ...configured(bank), introspection: bank.introspectionClient }, configured(broker)],
  clock,
};
const tls = { key: host.key, cert: host.certificate, requestCert: true, rejectUnauthorized: false };
const accounts = ["1", "2"].map((id) => ({ id, owner: JSON.stringify([bank.issuer, "user-1"]) }));

const readAccount1 = { type: "account_information", actions: ["read"], identifier: "1" };
const claims = { sub: "user-1", scope: "accounts", authorization_details: [readAccount1] };
const strong = { acr: "urn:example:sca", amr: ["pwd", "hwk"], auth_time: now - 300 };

describe.each(apis)("an API on %s", (_name, start) => {
  let api: RunningServer;
  beforeAll(async () => {
    api = await start({ tls, protection, accounts });
  });
  afterAll(() => api.close());

  const send = async (path: string, token: string) =>
    mtlsRequest(`${api.url}${path}`, { ca: ca.certificate, identity: client, token });
  const request = async (path: string, tokenClaims: object, { accessToken } = bank) => {
    const { status, headers } = await send(path, await accessToken({ boundTo: client, claims: { ...tokenClaims } }));
    return { status, error: /error="(\w+)"/.exec(headers["www-authenticate"] ?? "")?.[1] };
  };

  const accepted = { status: 200, error: undefined };
  const denied = { status: 403, error: "insufficient_scope" };
  const notStrong = { status: 401, error: "insufficient_user_authentication" };

  test("decides by scope, by sub and by authorization_details", async () => {
    expect(await request("/accounts/1", claims)).toEqual(accepted);
    expect(await request("/accounts/1", { ...claims, scope: "payments" })).toEqual(denied);
    expect(await request("/accounts/1", { ...claims, sub: "user-2" })).toEqual(denied);
    expect(await request("/accounts/2", claims)).toEqual(denied);
    for (const details of [undefined, [], [null], readAccount1, [{ ...readAccount1, actions: ["list"] }]]) {
      expect(await request("/accounts/1", { ...claims, authorization_details: details })).toEqual(denied);
    }
  });

  test("distinguishes users of two issuers that have the same sub", async () => {
    expect(await request("/accounts/1", claims, bank)).toEqual(accepted);
    expect(await request("/accounts/1", claims, broker)).toEqual(denied);
  });

  test("receives iss and sub of JWTs, and of opaque tokens if the introspection response has them", async () => {
    const bound = { boundTo: client, claims: { sub: "user-1" } };
    const [jwt, opaque, other] = [
      await bank.accessToken(bound),
      await bank.opaqueToken(bound),
      await broker.accessToken(bound),
    ];
    const users = [];
    for (const token of [jwt, opaque, other]) users.push(JSON.parse((await send("/user", token)).body));
    const [user, otherUser] = [bank, broker].map(({ issuer }) => ({ user: userOf({ iss: issuer, sub: "user-1" }) }));
    expect(users).toEqual([user, user, otherUser]);
    const foreign = await bank.opaqueToken({ boundTo: client, claims: { iss: broker.issuer } });
    expect(await send("/user", foreign)).toMatchObject({ status: 401 });
  });

  test("requires the authentication strength, its time and its methods", async () => {
    expect(await request("/transfers", strong)).toEqual(accepted);
    expect(await request("/transfers", { ...strong, acr: "urn:example:basic" })).toEqual(notStrong);
    expect(await request("/transfers", { ...strong, auth_time: now - 301 })).toEqual(notStrong);
    expect(await request("/transfers", { ...strong, amr: ["pwd"] })).toEqual(denied);
    for (const name of ["acr", "auth_time"]) {
      expect(await request("/transfers", { ...strong, [name]: undefined })).toEqual(notStrong);
    }
    expect(await request("/transfers", { ...strong, amr: undefined })).toEqual(denied);
  });
});
