import { expect } from "vitest";
import { accepted, rejected, type Expected } from "./expectations.ts";
import { getFields, headersFrame, isBadRequest, preface } from "./http2-frames.ts";
import { openTls, type RawTls } from "./raw-connection.ts";
import type { Task } from "./tasks.ts";

/** Whom to flood, and with which token. */
export interface Flooded extends RawTls {
  readonly token: string;
}

/** Clients that send more than anybody needs, each over a connection of its own. */
export function floods(target: Flooded): Task[] {
  return target.protocol === "h2" ? http2Floods(target) : http1Floods(target);
}

function http1Floods(target: Flooded): Task[] {
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
    ...requests.map(([what, headers, expected]) => ({
      name: `a client with ${what}`,
      run: async () => expectAnswer(await answerTo(target, headers), expected),
    })),
    {
      name: "a client that is half gone when it is answered",
      run: async () => {
        const connection = await openTls(target);
        await connection.send(`GET / HTTP/1.1\r\nHost: localhost\r\n${authorization}\r\n`);
        connection.halfClose();
        const received = await connection.received();
        // Node drops the connection unless the answer was written before the FIN came.
        if (received.length > 0) expectAnswer(parse(received), accepted);
      },
    },
  ];
}

/** The first answer on a connection of its own. */
async function answerTo(target: Flooded, headers: string): Promise<Pick<Expected, "status" | "body">> {
  const connection = await openTls(target);
  await connection.send(`GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${headers}\r\n`);
  return parse(await connection.received());
}

function parse(received: Buffer): Pick<Expected, "status" | "body"> {
  const [head = "", body = ""] = received.toString().split("\r\n\r\n");
  return { status: Number(head.split(" ")[1]), body };
}

function expectAnswer(answer: Pick<Expected, "status" | "body">, expected: Pick<Expected, "status" | "body">): void {
  const { status, body = answer.body } = expected;
  expect(answer).toEqual({ status, body });
}

/** What of them node:http2 does not send. */
function http2Floods(target: Flooded): Task[] {
  const fields = getFields(target.token);
  return [
    {
      name: "a client with many authorization fields",
      run: async () => {
        const connection = await openTls(target);
        const many = [...fields, ...fields.slice(-1)];
        await connection.send(Buffer.concat([preface, headersFrame(many, { ends: true })]));
        connection.halfClose();
        expect(isBadRequest(await connection.received())).toBe(true);
      },
    },
  ];
}
