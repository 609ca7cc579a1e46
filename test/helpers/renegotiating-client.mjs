import { createCipheriv, createECDH, createHmac, randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect as connectTcp, createServer } from "node:net";
import { connect as connectTls } from "node:tls";

/** @typedef {import("@certbound/testing").Identity} Identity */
/** @typedef {import("node:tls").ConnectionOptions} ConnectionOptions */

/**
 * The state of the first handshake that the ClientHello of a renegotiation contains (RFC 5746 section 3.5).
 *
 * @typedef {{ readonly verifyData: Buffer }} HandshakeState
 */

/**
 * A part of the data to send: application data, or a message of a new handshake.
 *
 * @typedef {string | Buffer | { readonly handshake: (client: HandshakeState) => Buffer }} Part
 */

/**
 * A TLS 1.2 client that writes the TLS records itself, so that it can leave a renegotiation incomplete. `send` sends all parts in
 * one TCP segment, without waiting for a response between them.
 *
 * @typedef {{ readonly send: (...parts: readonly Part[]) => void, readonly hangUp: () => void }} RenegotiatingClient
 */

/**
 * Options of all TLS 1.2 clients of these tests, with the only cipher suite that the record layer below supports.
 *
 * @type {ConnectionOptions}
 */
export const tls12 = {
  host: "127.0.0.1",
  servername: "localhost",
  rejectUnauthorized: false,
  minVersion: "TLSv1.2",
  maxVersion: "TLSv1.2",
  ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256",
};

/**
 * Connects with a complete first handshake, with the client's certificate and key.
 *
 * @param {number} port
 * @param {Identity} [identity]
 * @returns {Promise<RenegotiatingClient>}
 */
export async function connectRenegotiatingClient(port, identity) {
  const relay = await startRelay(port);
  const socket = connectTls({ ...tls12, port: relay.port, ...credentials(identity) });
  socket.on("error", () => {});
  const [[line]] = /** @type {[[Buffer], unknown]} */ (
    await Promise.all([once(socket, "keylog"), once(socket, "secureConnect")])
  );
  const master = Buffer.from(line.toString().trim().split(" ")[2] ?? "", "hex");
  // Node's client wrote its Finished message as the first record with the new keys.
  const verifyData = socket.getFinished();
  if (verifyData === undefined) throw new Error("the handshake is not complete");
  const seal = recordLayer(master, relay.cut());
  return {
    send(...parts) {
      const records = parts.map((part) =>
        typeof part === "object" && "handshake" in part
          ? seal(HANDSHAKE, part.handshake({ verifyData }))
          : seal(APPLICATION_DATA, Buffer.from(part)),
      );
      relay.upstream.write(Buffer.concat(records));
    },
    hangUp() {
      socket.destroy();
      relay.close();
    },
  };
}

/** Starts a renegotiation, which resumes a session if there is a ticket. @param {Buffer} [ticket] @returns {Part} */
export function clientHello(ticket = Buffer.alloc(0)) {
  return {
    handshake: ({ verifyData }) => {
      const name = Buffer.from("localhost");
      const extensions = Buffer.concat([
        extension(0, vector(2, Buffer.concat([uint(1, 0), vector(2, name)]))), // server_name
        extension(10, vector(2, Buffer.from("0017", "hex"))), // supported_groups: secp256r1
        extension(11, vector(1, Buffer.from("00", "hex"))), // ec_point_formats
        extension(13, vector(2, Buffer.from("040308040401", "hex"))), // signature_algorithms
        extension(23, Buffer.alloc(0)), // extended_master_secret
        extension(35, ticket), // session_ticket
        extension(0xff01, vector(1, verifyData)), // renegotiation_info
      ]);
      const suites = vector(2, Buffer.from("c02b", "hex"));
      const compression = vector(1, Buffer.from("00", "hex"));
      const version = Buffer.from("0303", "hex");
      const sessionId = vector(1, ticket.length === 0 ? Buffer.alloc(0) : randomBytes(32));
      return message(
        1,
        Buffer.concat([version, randomBytes(32), sessionId, suites, compression, vector(2, extensions)]),
      );
    },
  };
}

/** Presents a certificate as the client's, which requires no key. @param {Pick<Identity, "der">} identity @returns {Part} */
export function certificateMessage({ der }) {
  return { handshake: () => message(11, vector(3, vector(3, Buffer.from(der)))) };
}

/** Sends the client's part of the key agreement. @returns {Part} */
export function clientKeyExchange() {
  return { handshake: () => message(16, vector(1, createECDH("prime256v1").generateKeys())) };
}

/** Claims to have the key of the certificate, with an invalid signature. @returns {Part} */
export function invalidCertificateVerify() {
  const signature = Buffer.concat([Buffer.from("3044", "hex"), integer(), integer()]);
  return { handshake: () => message(15, Buffer.concat([Buffer.from("0403", "hex"), vector(2, signature)])) };
}

/**
 * Completes a TLS 1.2 handshake and returns the session ticket, which everyone on the network can read.
 *
 * @param {number} port
 * @param {Identity} identity
 */
export async function sessionTicket(port, identity) {
  const socket = connectTls({ ...tls12, port, ...credentials(identity) });
  socket.on("error", () => {});
  await once(socket, "session");
  const ticket = socket.getTLSTicket();
  socket.destroy();
  if (ticket === undefined) throw new Error("the server issued no ticket");
  return ticket;
}

/** @param {Identity | undefined} identity @returns {ConnectionOptions} */
function credentials(identity) {
  return identity === undefined ? {} : { cert: identity.certificate, key: identity.key };
}

/** The randoms of a handshake. @typedef {{ readonly client: Buffer, readonly server: Buffer }} Randoms */

/** Relays one connection to a server during the first handshake. @param {number} port */
async function startRelay(port) {
  const seen = { client: Buffer.alloc(0), server: Buffer.alloc(0) };
  let isCut = false;
  const upstream = connectTcp(port, "127.0.0.1");
  upstream.setNoDelay(true);
  upstream.on("error", () => {});
  const server = createServer((downstream) => {
    downstream.on("error", () => {});
    downstream.on("data", (/** @type {Buffer} */ bytes) => {
      if (isCut) return;
      seen.client = Buffer.concat([seen.client, bytes]);
      upstream.write(bytes);
    });
    upstream.on("data", (/** @type {Buffer} */ bytes) => {
      if (isCut) return;
      seen.server = Buffer.concat([seen.server, bytes]);
      downstream.write(bytes);
    });
    upstream.on("close", () => downstream.destroy());
  });
  server.listen(0, "127.0.0.1");
  await Promise.all([once(server, "listening"), once(upstream, "connect")]);
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the relay does not listen on a port");
  // After the record header (5 bytes), the handshake header (4) and the version (2).
  const random = (/** @type {Buffer} */ hello) => hello.subarray(11, 43);
  return {
    port: address.port,
    upstream,
    /** Stops relaying, and returns the randoms of the handshake. @returns {Randoms} */
    cut: () => {
      isCut = true;
      return { client: random(seen.client), server: random(seen.server) };
    },
    close: () => {
      upstream.destroy();
      server.close();
    },
  };
}

const HANDSHAKE = 22;
const APPLICATION_DATA = 23;

/**
 * Encrypts records of the client with AES-128-GCM (RFC 5288). The Finished message had sequence number 0.
 *
 * @param {Buffer} master
 * @param {Randoms} randoms
 * @returns {(type: number, content: Buffer) => Buffer}
 */
function recordLayer(master, { client, server }) {
  const keys = pseudoRandom(master, Buffer.concat([Buffer.from("key expansion"), server, client]), 40);
  const [key, salt] = [keys.subarray(0, 16), keys.subarray(32, 36)];
  let sequence = 1n;
  return (type, content) => {
    const explicit = Buffer.alloc(8);
    explicit.writeBigUInt64BE(sequence);
    sequence += 1n;
    const header = Buffer.from([type, 3, 3]);
    const cipher = createCipheriv("aes-128-gcm", key, Buffer.concat([salt, explicit]));
    cipher.setAAD(Buffer.concat([explicit, header, uint(2, content.length)]));
    const sealed = Buffer.concat([explicit, cipher.update(content), cipher.final(), cipher.getAuthTag()]);
    return Buffer.concat([header, vector(2, sealed)]);
  };
}

/** P_SHA256 of RFC 5246 section 5. @param {Buffer} secret @param {Buffer} seed @param {number} length */
function pseudoRandom(secret, seed, length) {
  const hmac = (/** @type {readonly Buffer[]} */ ...parts) =>
    createHmac("sha256", secret).update(Buffer.concat(parts)).digest();
  let [round, output] = [hmac(seed), Buffer.alloc(0)];
  while (output.length < length) {
    output = Buffer.concat([output, hmac(round, seed)]);
    round = hmac(round);
  }
  return output.subarray(0, length);
}

/** @param {number} type @param {Buffer} body */
function message(type, body) {
  return Buffer.concat([uint(1, type), vector(3, body)]);
}

/** @param {number} type @param {Buffer} body */
function extension(type, body) {
  return Buffer.concat([uint(2, type), vector(2, body)]);
}

/** Prefixes bytes with their length. @param {number} lengthBytes @param {Buffer} content */
function vector(lengthBytes, content) {
  return Buffer.concat([uint(lengthBytes, content.length), content]);
}

/** @param {number} bytes @param {number} value */
function uint(bytes, value) {
  const buffer = Buffer.alloc(bytes);
  buffer.writeUIntBE(value, 0, bytes);
  return buffer;
}

/** Returns a positive DER integer of 32 random bytes. */
function integer() {
  const value = randomBytes(32);
  value[0] = 0x40;
  return Buffer.concat([Buffer.from("0220", "hex"), value]);
}

/**
 * Renegotiates with Node's client, with the key of its certificate. Resolves with false if the server rejects it.
 *
 * @param {import("node:tls").TLSSocket} socket
 * @returns {Promise<boolean>}
 */
export async function renegotiate(socket) {
  return new Promise((resolve) => {
    socket.once("close", () => resolve(false));
    socket.renegotiate({}, (error) => resolve(error === null));
  });
}
