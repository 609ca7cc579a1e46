import type { Identity } from "@certbound/testing";
import { type Connection, openConnection, type Reply } from "../adapters/connection.ts";
import type { Api } from "./conformance-case.ts";
import type { Stage } from "./stage.ts";

/** A request with any identity, which need not belong to the stage. */
export interface IdentityRequest {
  /** Default: no certificate. */
  readonly identity?: Identity;
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Runs the function against the API behind each framework. Each identity gets a new connection. */
export async function onEachServer(
  { scene, servers }: Stage,
  api: Api | undefined,
  run: (send: (request: IdentityRequest) => Promise<Reply>) => Promise<void>,
): Promise<void> {
  for (const { url, routeOf } of servers) {
    const connections = new Map<Identity | undefined, Connection>();
    const send = ({ identity, token, headers = {} }: IdentityRequest): Promise<Reply> => {
      const connect = (): Connection => openConnection(url, { ca: scene.ca.certificate, identity, httpVersion: 1 });
      const connection = connections.get(identity) ?? connect();
      connections.set(identity, connection);
      const bearer = token === undefined ? [] : [["authorization", `Bearer ${token}`] as const];
      const fields = [...bearer, ...Object.entries(headers)];
      return connection.send({ path: routeOf(api).path, method: "GET", fields, body: undefined });
    };
    try {
      await run(send);
    } finally {
      for (const connection of connections.values()) connection.close();
    }
  }
}
