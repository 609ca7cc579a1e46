// The server side of a TLS connection over loopback whose client presents a certificate.

import { once } from "node:events";
import { connect, createServer } from "node:tls";
import { createCertificateAuthority } from "@certbound/testing";

/** @typedef {import("@certbound/testing").Identity} Identity */

const authority = await createCertificateAuthority();
const serverIdentity = await authority.issueServerCertificate();

/**
 * Opens a connection that does not keep the process alive.
 *
 * @param {Identity} client @returns {Promise<import("node:tls").TLSSocket>}
 */
export async function openConnection(client) {
  const server = createServer({
    cert: serverIdentity.certificate,
    key: serverIdentity.key,
    requestCert: true,
    rejectUnauthorized: false,
  });
  server.listen(0, "127.0.0.1").unref();
  await once(server, "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  const accepted = once(server, "secureConnection");
  const options = { port, host: "127.0.0.1", cert: client.certificate, key: client.key, ca: authority.certificate };
  connect(options).unref();
  const [socket] = await accepted;
  return socket.unref();
}
