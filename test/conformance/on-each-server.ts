import type { Identity } from "@certbound/testing";
import { type Connection, openConnection, type Reply } from "../adapters/connection.ts";
import type { Api } from "./conformance-case.ts";
import type { Stage } from "./stage.ts";

/** A request of whoever it is, known to the stage or not. */
export interface OwnRequest {
  /** Default: no certificate. */
  readonly identity?: Identity;
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Runs the same against an API behind each framework; each identity has one new connection. */
export async function onEachServer(
  { scene, servers }: Stage,
  api: Api | undefined,
  run: (send: (request: OwnRequest) => Promise<Reply>) => Promise<void>,
): Promise<void> {
  for (const { url, routeOf } of servers) {
    const connections = new Map<Identity | undefined, Connection>();
    const send = ({ identity, token, headers = {} }: OwnRequest): Promise<Reply> => {
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
