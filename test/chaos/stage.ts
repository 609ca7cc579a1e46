import { createIssuer } from "@certbound/testing";
import { createParties, NOW, type Parties } from "../helpers/parties.ts";
import { type ApiName, apiNames, type ApiProcess, startApiProcess } from "./api-process.ts";
import { type KeyEndpoint, startKeyEndpoint } from "./key-endpoint.ts";

/** The processes, endpoints and tokens of the chaos tests. */
export interface Stage {
  readonly parties: Parties;
  readonly process: ApiProcess;
  /** The key endpoint of the route `/remote` of each API. */
  readonly keyEndpoints: Readonly<Record<ApiName, KeyEndpoint>>;
  /** A key that the issuer publishes later, and a bound token that is signed with it. */
  readonly newKey: { readonly key: object; readonly token: string };
  readonly close: () => Promise<void>;
}

/** Larger than the default, so that an overlong token reaches the API, which must reject it. */
const MAX_HEADER_SIZE = 32_768;

/** Starts a process with four APIs, and a key endpoint for each API. */
export async function createStage(): Promise<Stage> {
  const parties = await createParties();
  const { issuer, audience, jwks, close } = parties.issuer;
  const next = await createIssuer({ issuer, clock: () => NOW * 1000 });
  // The tests use other key endpoints.
  await Promise.all([close(), next.close()]);
  const endpoints = await Promise.all(apiNames.map(async (name) => [name, await startKeyEndpoint()] as const));
  const keyEndpoints = Object.fromEntries(endpoints) as Stage["keyEndpoints"];
  const urls = endpoints.map(([name, { url }]) => [name, url]);
  const process = await startApiProcess({
    tls: { ...parties.tls, maxHeaderSize: MAX_HEADER_SIZE },
    trust: { options: { issuer, audience, jwks }, now: NOW * 1000 },
    jwksUris: Object.fromEntries(urls) as Record<ApiName, string>,
  });
  const [key = {}] = next.jwks.keys;
  return {
    parties,
    process,
    keyEndpoints,
    newKey: { key, token: await next.accessToken({ boundTo: parties.client }) },
    close: async () => {
      await process.end();
      await Promise.all(endpoints.map(([, endpoint]) => endpoint.close()));
    },
  };
}
