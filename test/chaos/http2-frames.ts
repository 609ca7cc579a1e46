/** The connection preface of an HTTP/2 client, with empty settings (RFC 9113 section 3.4). */
export const preface: Buffer = Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), frame(4, 0, 0)]);

/** A field of a request. Names may repeat, unlike in node:http2. */
export type Field = readonly [string, string];

/** Returns the fields of a GET request. */
export function getFields(token: string, path = "/"): Field[] {
  return [
    [":method", "GET"],
    [":scheme", "https"],
    [":path", path],
    [":authority", "localhost"],
    ["authorization", `Bearer ${token}`],
  ];
}

const END_STREAM = 1;
const END_HEADERS = 4;

/** Returns the HEADERS frame of a request without a body; without END_HEADERS it may be continued. */
export function headersFrame(fields: readonly Field[], { endHeaders }: { readonly endHeaders: boolean }): Buffer {
  return frame(1, END_STREAM | (endHeaders ? END_HEADERS : 0), 1, headerBlock(fields));
}

/** Returns a CONTINUATION frame without END_HEADERS. */
export function continuationFrame(fields: readonly Field[]): Buffer {
  return frame(9, 0, 1, headerBlock(fields));
}

/** Returns whether the response on the first stream has status 400, which is entry 12 of the HPACK static table. */
export function isBadRequest(received: Buffer): boolean {
  for (let at = 0; at + 9 <= received.length; at += 9 + received.readUIntBE(at, 3)) {
    if (received[at + 3] === 1 && received.readUInt32BE(at + 5) === 1) return received[at + 9] === 0x8c;
  }
  return false;
}

/** Returns a frame (RFC 9113 section 4.1). */
function frame(type: number, flags: number, stream: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** Returns literal fields without indexing and without Huffman coding (RFC 7541 section 6.2.2). */
function headerBlock(fields: readonly Field[]): Buffer {
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0]), literal(name), literal(value)]));
}

function literal(text: string): Buffer {
  const bytes = Buffer.from(text);
  if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  const length = [127];
  let rest = bytes.length - 127;
  for (; rest >= 128; rest = Math.floor(rest / 128)) length.push((rest % 128) + 128);
  return Buffer.concat([Buffer.from([...length, rest]), bytes]);
}
