import type { Identity } from "@certbound/testing";
import { once } from "node:events";
import type { IncomingHttpHeaders } from "node:http";
import { text } from "node:stream/consumers";
import { connect } from "node:tls";
import type { ReceivedResponse } from "./responses.ts";

/** The text of a request, for requests that an HTTP client does not send. */
export interface RawRequest {
  readonly ca: string;
  readonly identity?: Identity;
  /** The complete request, with `Connection: close`, so that the response has an end. */
  readonly text: string;
}

/** Sends the exact bytes of a request, and returns the status and the headers; repeated headers are joined. */
export async function sendRawRequest(url: string, { ca, identity, text: sent }: RawRequest): Promise<ReceivedResponse> {
  const { hostname, port } = new URL(url);
  const clientTls = identity && { cert: identity.certificate, key: identity.key };
  const socket = connect({ host: hostname, port: Number(port), servername: "localhost", ca, ...clientTls });
  await once(socket, "secureConnect");
  socket.write(sent, "latin1");
  const [head = ""] = (await text(socket)).split("\r\n\r\n");
  const [statusLine = "", ...lines] = head.split("\r\n");
  const headers: IncomingHttpHeaders = {};
  for (const line of lines) {
    const [name = "", value = ""] = line.split(/: (.*)/, 2);
    const previous = headers[name.toLowerCase()];
    headers[name.toLowerCase()] = previous === undefined ? value : `${String(previous)}, ${value}`;
  }
  return { status: Number(statusLine.split(" ")[1]), headers };
}
