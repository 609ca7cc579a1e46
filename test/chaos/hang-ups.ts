import { continuationFrame, getFields, headersFrame, preface } from "./http2-frames.ts";
import { clientHello, type Departure, leaveHandshake, openTcp, openTls, type RawTls } from "./raw-connection.ts";
import type { Task } from "./tasks.ts";

/** The API that a client disconnects from, and the token to send. */
export interface HangUpTarget extends RawTls {
  readonly token: string;
}

const departures: readonly Departure[] = ["closes", "resets"];

/** Returns clients that disconnect before TLS is established, and clients that do not speak TLS. */
export async function hangUpsBeforeTls(target: HangUpTarget): Promise<Task[]> {
  const hello = await clientHello();
  const beginnings: readonly (readonly [string, Uint8Array])[] = [
    ["nothing", Buffer.alloc(0)],
    ["half of its ClientHello", hello.subarray(0, hello.length / 2)],
    ["plain HTTP", Buffer.from("GET / HTTP/1.1\r\n\r\n")],
    ["a ClientHello of garbage", Buffer.from(hello).fill(0xff, 5)],
  ];
  return departures.flatMap((departure) => [
    ...beginnings.map(([sent, bytes]) => ({
      name: `a client that ${departure} after ${sent}`,
      run: async () => {
        const connection = await openTcp(target.url);
        if (bytes.length > 0) await connection.send(bytes);
        await connection.leave(departure);
      },
    })),
    { name: `a client that ${departure} during the handshake`, run: () => leaveHandshake(target, departure) },
  ]);
}

/** Returns clients that disconnect at every stage of a request. */
export function hangUpsAfterTls(target: HangUpTarget): Task[] {
  const beginnings = target.protocol === "h2" ? http2Beginnings(target.token) : http1Beginnings(target.token);
  return departures.flatMap((departure) =>
    beginnings.map(([sent, bytes]) => ({
      name: `a client that ${departure} after ${sent}`,
      run: async () => {
        const connection = await openTls(target);
        if (bytes.length > 0) await connection.send(bytes);
        await connection.leave(departure);
      },
    })),
  );
}

function http1Beginnings(token: string): readonly (readonly [string, string | Uint8Array])[] {
  const head = `POST /body HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n`;
  const body = `${head}Content-Type: application/json\r\n`;
  return [
    ["the handshake", ""],
    ["half a request line", "POST /bo"],
    ["half of the headers", head.slice(0, 80)],
    ["all headers but the last line feed", `${head}\r`],
    ["the headers of a request with a body", `${body}Content-Length: 100\r\n\r\n`],
    ["half of a body", `${body}Content-Length: 100\r\n\r\n{"text":`],
    ["a chunk of a body", `${body}Transfer-Encoding: chunked\r\n\r\n5\r\n{"tex\r\n`],
    ["a whole request", `${head.replace("POST /body", "GET /")}\r\n`],
    ["three requests at once", `${head.replace("POST /body", "GET /")}\r\n`.repeat(3)],
    ["garbage instead of HTTP", "\0\u0001\u0002 garbage\r\n\r\n"],
  ];
}

function http2Beginnings(token: string): readonly (readonly [string, string | Uint8Array])[] {
  const fields = getFields(token);
  const open = Buffer.concat([preface, headersFrame(fields, { endHeaders: false })]);
  return [
    ["the handshake", ""],
    ["half of the preface", preface.subarray(0, 10)],
    ["the preface", preface],
    ["half of the headers", open.subarray(0, open.length - 100)],
    ["headers without an end", open],
    [
      "headers with many continuation frames",
      Buffer.concat([open, ...Array.from({ length: 20 }, () => continuationFrame(fields))]),
    ],
    ["a whole request", Buffer.concat([preface, headersFrame(fields, { endHeaders: true })])],
    [
      "the same stream twice",
      Buffer.concat([preface, ...[1, 2].map(() => headersFrame(fields, { endHeaders: true }))]),
    ],
    ["garbage instead of HTTP", "\0\u0001\u0002 garbage\r\n\r\n".repeat(4)],
  ];
}
