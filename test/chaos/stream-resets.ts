import { once } from "node:events";
import { type ClientHttp2Stream, connect, constants } from "node:http2";
import { expect } from "vitest";
import type { ApiName } from "./api-process.ts";
import type { Stage } from "./stage.ts";

const paths = ["/", "/slow/authorize", "/timed", "/throws"];
const BURSTS = 10;
/** With more streams, Node itself sometimes leaks a socket when the session is destroyed during the responses. */
const STREAMS = 20;

/** Resets streams right after they are opened, checks that the session still works, and destroys it during a burst. */
export async function streamResets({ parties, process }: Stage, api: ApiName): Promise<void> {
  const { certificate: cert, key } = parties.client;
  const token = await parties.token();
  const session = connect(process.urls[api], { ca: parties.ca.certificate, cert, key, servername: "localhost" });
  const open = (path: string): ClientHttp2Stream =>
    session.request({ ":path": path, authorization: `Bearer ${token}` }).on("error", () => {});
  const burst = (): ClientHttp2Stream[] =>
    Array.from({ length: STREAMS }, (_none, index) => open(paths[index % paths.length] ?? "/"));
  const closed = (streams: readonly ClientHttp2Stream[]): Promise<unknown> =>
    Promise.all(streams.map((stream) => once(stream, "close")));

  await once(session, "remoteSettings");
  for (let count = 0; count < BURSTS; count += 1) {
    const streams = burst();
    for (const stream of streams) stream.close(constants.NGHTTP2_CANCEL);
    await closed(streams);
    const good = open("/");
    const [headers] = (await once(good, "response")) as [{ readonly ":status"?: number }];
    good.resume();
    expect(headers[":status"]).toBe(200);
  }
  const unanswered = closed(burst());
  session.destroy();
  await unanswered;
}
