import { type Identity, mtlsRequest, type MtlsResponse } from "@certbound/testing";
import type { Api } from "./conformance-case.ts";
import type { Stage } from "./stage.ts";

/** A request over a connection of its own. */
export interface OwnRequest {
  /** Whoever it is, known to the stage or not; default: no certificate. */
  readonly identity?: Identity;
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly session?: Buffer;
}

/** Runs the same against an API behind each framework. */
export async function onEachServer(
  { scene, servers }: Stage,
  api: Api | undefined,
  run: (send: (request: OwnRequest) => Promise<MtlsResponse>) => Promise<void>,
): Promise<void> {
  for (const { url, routeOf } of servers) {
    await run((request) => mtlsRequest(`${url}${routeOf(api).path}`, { ca: scene.ca.certificate, ...request }));
  }
}
