import { createIssuer } from "@certbound/testing";
import { createParties, NOW, type Parties } from "../helpers/parties.ts";
import { type ApiName, apiNames, type ApiProcess, startApiProcess } from "./api-process.ts";
import { type KeyEndpoint, startKeyEndpoint } from "./key-endpoint.ts";

/** Everything that the chaos is about. */
export interface Stage {
  readonly parties: Parties;
  readonly process: ApiProcess;
  /** The keys that the route `/remote` of an API is verified by. */
  readonly keyEndpoints: Readonly<Record<ApiName, KeyEndpoint>>;
  /** A key that the issuer has from some time on, and a bound token that is signed with it. */
  readonly newKey: { readonly key: object; readonly token: string };
  readonly close: () => Promise<void>;
}

/** Larger than the default, so that a token that is too long is the API's to reject. */
const MAX_HEADER_SIZE = 32_768;

/** Starts four APIs in a process of their own, and for each an endpoint with the keys of the issuer. */
export async function createStage(): Promise<Stage> {
  const parties = await createParties();
  const { issuer, audience, jwks, close } = parties.issuer;
  const next = await createIssuer({ issuer, clock: () => NOW * 1000 });
  // Their own servers are of no use here.
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
