import type { Identity } from "@certbound/testing";
import { once } from "node:events";
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { connect, type IncomingHttpHeaders as IncomingHttp2Headers } from "node:http2";
import { Agent, request } from "node:https";
import { text } from "node:stream/consumers";

/** A TLS connection of a client for several requests. */
export interface Connection {
  readonly send: (message: Message) => Promise<Reply>;
  readonly close: () => void;
}

/** A request. Fields with the same name are sent on separate lines. */
export interface Message {
  readonly path: string;
  readonly method: string;
  readonly fields: readonly (readonly [string, string])[];
  readonly body: string | undefined;
}

/** A response. */
export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Connects to a local server, with or without a client certificate. */
export function openConnection(
  url: string,
  {
    ca,
    identity,
    httpVersion,
  }: { readonly ca: string; readonly identity: Identity | undefined; readonly httpVersion: 1 | 2 },
): Connection {
  const tls = { ca, servername: "localhost", ...(identity && { cert: identity.certificate, key: identity.key }) };
  return httpVersion === 1 ? openHttp1(url, tls) : openHttp2(url, tls);
}

function openHttp1(url: string, tls: object): Connection {
  const agent = new Agent({ ...tls, keepAlive: true, maxSockets: 1 });
  return {
    async send({ path, method, fields, body }) {
      const length: [string, string][] =
        body === undefined ? [] : [["content-length", String(Buffer.byteLength(body))]];
      // node:http sends a flat list unchanged, but joins or drops repeated fields of an object.
      const headers = [["host", new URL(url).host], ...length, ...fields].flat();
      const outgoing = request(url + path, { agent, method, headers }).end(body);
      const [incoming] = (await once(outgoing, "response")) as [IncomingMessage];
      return { status: incoming.statusCode ?? 0, headers: incoming.headers, body: await text(incoming) };
    },
    close: () => agent.destroy(),
  };
}

function openHttp2(url: string, tls: object): Connection {
  const session = connect(url, tls);
  return {
    async send({ path, method, fields, body }) {
      const stream = session.request({ ":path": path, ":method": method, ...Object.fromEntries(fields) }).end(body);
      const [headers] = (await once(stream, "response")) as [IncomingHttp2Headers];
      return { status: Number(headers[":status"]), headers, body: await text(stream) };
    },
    close: () => session.destroy(),
  };
}
