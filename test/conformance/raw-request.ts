import type { Identity } from "@certbound/testing";
import { once } from "node:events";
import type { IncomingHttpHeaders } from "node:http";
import { text } from "node:stream/consumers";
import { connect } from "node:tls";
import type { ReceivedAnswer } from "./responses.ts";

/** A request as it goes over the connection, for what no HTTP client sends. */
export interface RawRequest {
  readonly ca: string;
  readonly identity?: Identity;
  /** All of it, with `Connection: close` among the headers, so that the answer has an end. */
  readonly text: string;
}

/** Sends a request byte by byte, and reads the status and the headers of what is answered; repeated ones are joined. */
export async function rawExchange(url: string, { ca, identity, text: sent }: RawRequest): Promise<ReceivedAnswer> {
  const { hostname, port } = new URL(url);
  const own = identity && { cert: identity.certificate, key: identity.key };
  const socket = connect({ host: hostname, port: Number(port), servername: "localhost", ca, ...own });
  await once(socket, "secureConnect");
  socket.write(sent, "latin1");
  const [head = ""] = (await text(socket)).split("\r\n\r\n");
  const [statusLine = "", ...lines] = head.split("\r\n");
  const headers: IncomingHttpHeaders = {};
  for (const line of lines) {
    const [name = "", value = ""] = line.split(/: (.*)/, 2);
    const before = headers[name.toLowerCase()];
    headers[name.toLowerCase()] = before === undefined ? value : `${String(before)}, ${value}`;
  }
  return { status: Number(statusLine.split(" ")[1]), headers };
}
