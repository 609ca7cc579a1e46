import { expect } from "vitest";
import { accepted, rejected, type Expected } from "./expectations.ts";
import { getFields, headersFrame, isBadRequest, preface } from "./http2-frames.ts";
import { openTls, type RawTls } from "./raw-connection.ts";
import type { Task } from "./tasks.ts";

/** The API to flood, and the token to send. */
export interface FloodTarget extends RawTls {
  readonly token: string;
}

/** Returns clients that send far too much, each over a separate connection. */
export function floods(target: FloodTarget): Task[] {
  return target.protocol === "h2" ? http2Floods(target) : http1Floods(target);
}

function http1Floods(target: FloodTarget): Task[] {
  const { token } = target;
  const authorization = `Authorization: Bearer ${token}\r\n`;
  const many = Array.from({ length: 900 }, (_none, index) => `X-${index}: ${index}\r\n`).join("");
  const requests: readonly (readonly [string, string, Pick<Expected, "status" | "body">])[] = [
    ["many headers", authorization + many, accepted],
    ["headers that are too large", `X: ${"x".repeat(40_000)}\r\n${authorization}`, { status: 431 }],
    ["many Authorization headers", authorization.repeat(20), { status: 400, body: '{"message":"bad request"}' }],
    ["a token that is too long", authorization.replace("\r\n", `${"A".repeat(20_000)}\r\n`), rejected],
    ["a token of dots", `Authorization: Bearer ${".".repeat(8000)}\r\n`, rejected],
    ["an opaque token that is too long", `Authorization: Bearer ${"A".repeat(20_000)}\r\n`, rejected],
  ];
  return [
    ...requests.map(([content, headers, expected]) => ({
      name: `a client with ${content}`,
      run: async () => expectResponse(await responseTo(target, headers), expected),
    })),
    {
      name: "a client that closes its side of the connection before the response",
      run: async () => {
        const connection = await openTls(target);
        await connection.send(`GET / HTTP/1.1\r\nHost: localhost\r\n${authorization}\r\n`);
        connection.halfClose();
        const received = await connection.received();
        // Node drops the connection unless the response was written before the FIN arrived.
        if (received.length > 0) expectResponse(parse(received), accepted);
      },
    },
  ];
}

/** Returns the first response on a new connection. */
async function responseTo(target: FloodTarget, headers: string): Promise<Pick<Expected, "status" | "body">> {
  const connection = await openTls(target);
  await connection.send(`GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${headers}\r\n`);
  return parse(await connection.received());
}

function parse(received: Buffer): Pick<Expected, "status" | "body"> {
  const [head = "", body = ""] = received.toString().split("\r\n\r\n");
  return { status: Number(head.split(" ")[1]), body };
}

function expectResponse(
  response: Pick<Expected, "status" | "body">,
  expected: Pick<Expected, "status" | "body">,
): void {
  const { status, body = response.body } = expected;
  expect(response).toEqual({ status, body });
}

/** Returns the floods that node:http2 cannot send. */
function http2Floods(target: FloodTarget): Task[] {
  const fields = getFields(target.token);
  return [
    {
      name: "a client with many authorization fields",
      run: async () => {
        const connection = await openTls(target);
        const many = [...fields, ...fields.slice(-1)];
        await connection.send(Buffer.concat([preface, headersFrame(many, { endHeaders: true })]));
        connection.halfClose();
        expect(isBadRequest(await connection.received())).toBe(true);
      },
    },
  ];
}
