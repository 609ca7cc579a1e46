import { continuationFrame, getFields, headersFrame, preface } from "./http2-frames.ts";
import { clientHello, type Departure, leaveHandshake, openTcp, openTls, type RawTls } from "./raw-connection.ts";
import type { Task } from "./tasks.ts";

/** Whom a client hangs up on, and with which token. */
export interface Victim extends RawTls {
  readonly token: string;
}

const departures: readonly Departure[] = ["closes", "resets"];

/** Clients that go before TLS is established, and such as do not want it. */
export async function hangUpsBeforeTls(victim: Victim): Promise<Task[]> {
  const hello = await clientHello();
  const beginnings: readonly (readonly [string, Uint8Array])[] = [
    ["nothing", Buffer.alloc(0)],
    ["half of its hello", hello.subarray(0, hello.length / 2)],
    ["a hello of no TLS", Buffer.from("GET / HTTP/1.1\r\n\r\n")],
    ["a hello of garbage", Buffer.from(hello).fill(0xff, 5)],
  ];
  return departures.flatMap((departure) => [
    ...beginnings.map(([what, bytes]) => ({
      name: `a client that ${departure} after ${what}`,
      run: async () => {
        const connection = await openTcp(victim.url);
        if (bytes.length > 0) await connection.send(bytes);
        await connection.leave(departure);
      },
    })),
    { name: `a client that ${departure} amid the handshake`, run: () => leaveHandshake(victim, departure) },
  ]);
}

/** Clients that go at every stage of a request. */
export function hangUpsAfterTls(victim: Victim): Task[] {
  const beginnings = victim.protocol === "h2" ? http2Beginnings(victim.token) : http1Beginnings(victim.token);
  return departures.flatMap((departure) =>
    beginnings.map(([what, bytes]) => ({
      name: `a client that ${departure} after ${what}`,
      run: async () => {
        const connection = await openTls(victim);
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
    ["the headers of a body", `${body}Content-Length: 100\r\n\r\n`],
    ["half of a body", `${body}Content-Length: 100\r\n\r\n{"text":`],
    ["a chunk of a body", `${body}Transfer-Encoding: chunked\r\n\r\n5\r\n{"tex\r\n`],
    ["a whole request", `${head.replace("POST /body", "GET /")}\r\n`],
    ["three requests at once", `${head.replace("POST /body", "GET /")}\r\n`.repeat(3)],
    ["no HTTP at all", "\0\u0001\u0002 garbage\r\n\r\n"],
  ];
}

function http2Beginnings(token: string): readonly (readonly [string, string | Uint8Array])[] {
  const fields = getFields(token);
  const open = Buffer.concat([preface, headersFrame(fields, { ends: false })]);
  return [
    ["the handshake", ""],
    ["half of the preface", preface.subarray(0, 10)],
    ["the preface", preface],
    ["half of the headers", open.subarray(0, open.length - 100)],
    ["headers without an end", open],
    [
      "headers that go on and on",
      Buffer.concat([open, ...Array.from({ length: 20 }, () => continuationFrame(fields))]),
    ],
    ["a whole request", Buffer.concat([preface, headersFrame(fields, { ends: true })])],
    ["the same stream twice", Buffer.concat([preface, ...[1, 2].map(() => headersFrame(fields, { ends: true }))])],
    ["no HTTP at all", "\0\u0001\u0002 garbage\r\n\r\n".repeat(4)],
  ];
}
