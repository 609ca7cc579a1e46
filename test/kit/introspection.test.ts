// #region introspection
import { createIssuer } from "@certbound/testing";
// #endregion
import { expect, test } from "vitest";

test("the issuer introspects an opaque token", async () => {
  // #region introspection

  const issuer = await createIssuer();
  const token = await issuer.opaqueToken({ claims: { scope: "read write" } });

  const { clientId: client_id, clientSecret: client_secret } = issuer.introspectionClient;
  async function introspect(): Promise<unknown> {
    const body = new URLSearchParams({ token, client_id, client_secret });
    const response = await fetch(issuer.introspectionEndpoint, { method: "POST", body });
    return response.json();
  }
  expect(await introspect()).toMatchObject({ active: true, scope: "read write" });
  issuer.revoke(token);
  expect(await introspect()).toEqual({ active: false });

  await issuer.close();
  // #endregion
});
