import { once } from "node:events";
import { connect } from "node:http2";
import { connect as connectTcp } from "node:net";
import { json } from "node:stream/consumers";
import { connect as connectTls } from "node:tls";

/** Opens an HTTP/2 session for any number of requests, with the certificate of an identity if one is given. */
export async function openSession(url, { ca, identity }) {
  const session = connect(url, { ca, cert: identity?.certificate, key: identity?.key });
  const closed = new Promise((resolve) => {
    session.once("close", resolve);
  });
  await once(session, "connect");
  const send = async (token) => {
    const stream = session.request({ ":path": "/accounts", authorization: `Bearer ${token}` });
    const [headers] = await once(stream, "response");
    return { status: headers[":status"], challenge: headers["www-authenticate"], body: await json(stream) };
  };
  const close = async () => {
    session.close();
    await closed;
  };
  return { send, close, closed };
}

/** Sends the preface, SETTINGS and GOAWAY, then keeps the connection open. Returns a function that closes it. */
export async function sendGoaway(url, { ca }) {
  const { hostname: host, port } = new URL(url);
  const socket = connectTcp({ host, port, allowHalfOpen: true });
  const tls = connectTls({ socket, servername: "localhost", ca, ALPNProtocols: ["h2"] });
  await once(tls, "secureConnect");
  const settings = Buffer.from("000000040000000000", "hex"); // RFC 9113 section 6.5: none are set
  const goaway = Buffer.from("0000080700000000000000000000000000", "hex"); // section 6.8: NO_ERROR
  tls.write(Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), settings, goaway]));
  return () => socket.destroy();
}
