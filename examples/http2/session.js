import { once } from "node:events";
import { connect } from "node:http2";
import { json } from "node:stream/consumers";

/** Opens one HTTP/2 session, for as many requests as one likes, with the certificate of an identity if one is given. */
export async function openSession(url, { ca, identity }) {
  const session = connect(url, { ca, cert: identity?.certificate, key: identity?.key });
  const closed = new Promise((resolve) => {
    session.once("close", resolve);
  });
  await once(session, "connect");
  const ask = async (token) => {
    const stream = session.request({ ":path": "/accounts", authorization: `Bearer ${token}` });
    const [headers] = await once(stream, "response");
    return { status: headers[":status"], challenge: headers["www-authenticate"], body: await json(stream) };
  };
  const close = async () => {
    session.close();
    await closed;
  };
  return { ask, close, closed };
}
