import { createAuthenticator } from "@certbound/core";
import { expect } from "vitest";
import { verifierOf } from "../../verification.ts";
import { type Api, conforms, type ConformanceCase } from "../../conformance-case.ts";
import { onEachServer } from "../../on-each-server.ts";

/** Resources, each with the URL of its metadata (RFC 9728 section 3.1). */
const resources: readonly (readonly [resource: string, metadata: string, api: Api])[] = (
  [
    ["https://api.example", "https://api.example/.well-known/oauth-protected-resource"],
    ["https://api.example/", "https://api.example/.well-known/oauth-protected-resource"],
    ["https://api.example/v1", "https://api.example/.well-known/oauth-protected-resource/v1"],
    ["https://api.example:8443/v1?a=b", "https://api.example:8443/.well-known/oauth-protected-resource/v1?a=b"],
  ] as const
).map(([resource, metadata]) => [resource, metadata, { rejection: { resource } }]);

export const cases: readonly ConformanceCase[] = [
  ...resources.map(([resource, metadata, api]) =>
    conforms(
      "9728-05",
      `sends the metadata URL of ${resource} in challenges`,
      async (stage) => {
        const { own, token } = stage.scene;
        await onEachServer(stage, api, async (send) => {
          const challengeOf = async (request: object) => (await send(request)).headers["www-authenticate"];
          expect(await challengeOf({ identity: own, token: token() })).toBeUndefined();
          expect(await challengeOf({})).toBe(`Bearer realm="api", resource_metadata="${metadata}"`);
          const stolen = await challengeOf({ identity: stage.scene.other, token: token() });
          expect(stolen).toContain(`error="invalid_token"`);
          expect(stolen).toContain(`, resource_metadata="${metadata}"`);
        });
      },
      api,
    ),
  ),
  conforms("9728-05", "does not accept a resource that is not https or has a fragment", async ({ scene }) => {
    const verifier = verifierOf({ jwks: scene.jwks });
    expect(() => createAuthenticator({ verifier, resource: "https://api.example/v1" })).not.toThrow();
    for (const resource of ["http://api.example/v1", "https://api.example/v1#a", "/v1"]) {
      expect(() => createAuthenticator({ verifier, resource })).toThrow(TypeError);
    }
  }),
];
