import type { ClientTls } from "@certbound/core";
import { describe, expect, test } from "vitest";
import { apis } from "./apis.ts";
import { INTROSPECTION_PATH, OPAQUE_AUDIENCE } from "./provider.ts";
import { createScene } from "./scene.ts";

const scene = await createScene();
scene.trustEverywhere();
const { server, caSigned, selfSigned, apiClients, introspections } = scene;
const audience = OPAQUE_AUDIENCE;
const unavailable = [503, "ERR_INTROSPECTION_UNAVAILABLE"];

const expectedCounts = { plain: { plain: 1, mtls: 0 }, mtls: { plain: 0, mtls: 1 } };
const methods = [
  ["client_secret_basic", expectedCounts.plain],
  ["client_secret_post", expectedCounts.plain],
  ["private_key_jwt", expectedCounts.plain],
  ["tls_client_auth", expectedCounts.mtls],
  ["self_signed_tls_client_auth", expectedCounts.mtls],
] as const;
const certificateMethods = ["tls_client_auth", "self_signed_tls_client_auth"] as const;

const issueToken = (): Promise<string> => caSigned.accessToken(server.issuer, OPAQUE_AUDIENCE);

/** Counts the introspection requests from now on, per listener. */
function countIntrospections(): typeof introspections {
  const before = introspections();
  return () => {
    const { plain, mtls } = introspections();
    return { plain: plain - before.plain, mtls: mtls - before.mtls };
  };
}

/** Returns the options of an API whose `fetch` presents its certificate. */
function optionsWithFetch(
  method: (typeof certificateMethods)[number],
  which: "credentials" | "wrongCredentials",
): Parameters<typeof scene.startApi>[1] {
  const { clientTls, ...introspection } = apiClients[method][which];
  return { audience, introspection, fetch: scene.fetchPresenting(clientTls as ClientTls) };
}

describe.each(apis)("an API on %s", (_name, startApi) => {
  test.each(methods)("introspects tokens when it authenticates with %s", async (method, expected) => {
    const api = await scene.startApi(startApi, { audience, introspection: apiClients[method].credentials });
    const token = await issueToken();
    const counted = countIntrospections();
    expect(await api.ask(caSigned, token)).toBe(200);
    expect(counted()).toEqual(expected);
    expect(await api.ask(selfSigned, token)).toEqual([401, "ERR_BINDING_MISMATCH"]);
  });

  test.each(methods)("responds with 503 when its credentials for %s are wrong", async (method, expected) => {
    const api = await scene.startApi(startApi, { audience, introspection: apiClients[method].wrongCredentials });
    const token = await issueToken();
    const counted = countIntrospections();
    expect(await api.ask(caSigned, token)).toEqual(unavailable);
    expect(counted()).toEqual(expected);
    expect(await caSigned.call(api.url, token)).toMatchObject({ status: 503, retryAfter: "1" });
  });

  test.each(certificateMethods)("introspects tokens when its fetch presents the certificate (%s)", async (method) => {
    const api = await scene.startApi(startApi, optionsWithFetch(method, "credentials"));
    const token = await issueToken();
    const counted = countIntrospections();
    expect(await api.ask(caSigned, token)).toBe(200);
    expect(counted()).toEqual(expectedCounts.mtls);
    expect(await api.ask(selfSigned, token)).toEqual([401, "ERR_BINDING_MISMATCH"]);
  });

  test.each(certificateMethods)(
    "responds with 503 when its fetch presents another certificate (%s)",
    async (method) => {
      const api = await scene.startApi(startApi, optionsWithFetch(method, "wrongCredentials"));
      expect(await api.ask(caSigned, await issueToken())).toEqual(unavailable);
    },
  );

  test.each(certificateMethods)(
    "responds with 503 when the endpoint does not request a client certificate (%s)",
    async (method) => {
      const endpoint = `${server.issuer}${INTROSPECTION_PATH}`;
      const introspection = { ...apiClients[method].credentials, endpoint };
      const api = await scene.startApi(startApi, { audience, introspection });
      const counted = countIntrospections();
      expect(await api.ask(caSigned, await issueToken())).toEqual(unavailable);
      expect(counted()).toEqual(expectedCounts.plain);
    },
  );

  test("responds with 503 when it does not trust the authorization server's certificate", async () => {
    const { clientTls, ...introspection } = apiClients.tls_client_auth.credentials;
    const { cert, key } = clientTls as ClientTls;
    const api = await scene.startApi(startApi, {
      audience,
      introspection: { ...introspection, clientTls: { cert, key } },
    });
    const counted = countIntrospections();
    expect(await api.ask(caSigned, await issueToken())).toEqual(unavailable);
    expect(counted()).toEqual({ plain: 0, mtls: 0 });
  });
});
