import type { Identity } from "@certbound/testing";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { connect } from "node:http2";
import { request } from "node:https";
import { text } from "node:stream/consumers";
import { expect } from "vitest";
import type { ApiName } from "./api-process.ts";
import type { Clients } from "./clients.ts";
import type { Stage } from "./stage.ts";

/** A request that sends its body character by character. */
interface Drip {
  readonly send: (character: string) => Promise<void>;
  readonly end: () => void;
  readonly status: Promise<number>;
  readonly body: () => Promise<string>;
  /** Disconnects, regardless of the state of the request. */
  readonly leave: () => void;
}

const body = JSON.stringify({ text: "drips" });

/** Sends slow bodies, one of them incomplete, interleaved with the requests of other clients. */
export async function slowBodies({ parties, process }: Stage, api: ApiName, clients: Clients): Promise<void> {
  const token = await parties.token();
  const start = api === "node:http2" ? dripOverHttp2 : dripOverHttp1;
  const drip = (identity: Identity): Drip =>
    start(process.urls[api], { ca: parties.ca.certificate, cert: identity.certificate, key: identity.key }, token);

  const [whole, broken, stolen] = [drip(parties.client), drip(parties.client), drip(parties.thief)];
  broken.status.catch(() => {});
  await stolen.send("{");
  // A stolen token is rejected before the body arrives.
  expect(await stolen.status).toBe(401);
  stolen.leave();
  for (const [index, character] of body.split("").entries()) {
    await whole.send(character);
    if (index < body.length / 2) await broken.send(character);
    else broken.leave();
    await clients.all();
  }
  whole.end();
  expect([await whole.status, await whole.body()]).toEqual([200, '{"length":5}']);
  whole.leave();
}

type Tls = Readonly<Record<"ca" | "cert" | "key", string>>;

function dripOverHttp1(url: string, tls: Tls, token: string): Drip {
  const outgoing = request(`${url}/body`, {
    ...tls,
    agent: false,
    servername: "localhost",
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json", "content-length": body.length },
  });
  const response = once(outgoing, "response") as Promise<[IncomingMessage]>;
  outgoing.flushHeaders();
  return {
    send: (character) => new Promise((resolve) => void outgoing.write(character, () => resolve())),
    end: () => void outgoing.end(),
    status: response.then(([{ statusCode = 0 }]) => statusCode),
    body: async () => text((await response)[0]),
    leave: () => void outgoing.on("error", () => {}).destroy(),
  };
}

function dripOverHttp2(url: string, tls: Tls, token: string): Drip {
  const session = connect(url, { ...tls, servername: "localhost" });
  const stream = session.request({
    ":method": "POST",
    ":path": "/body",
    authorization: `Bearer ${token}`,
    "content-type": "application/json",
  });
  const response = once(stream, "response") as Promise<[{ readonly ":status"?: number }]>;
  return {
    send: (character) => new Promise((resolve) => void stream.write(character, () => resolve())),
    end: () => void stream.end(),
    status: response.then(([headers]) => headers[":status"] ?? 0),
    body: () => text(stream),
    leave: () => {
      stream.on("error", () => {}).destroy();
      session.destroy();
    },
  };
}
