// Listens on the socket that it was given as file descriptor 3, as a service does that systemd activates, and responds with
// what the trust rule says about each request.

import { AccessTokenError, fromProxy, rfc9440 } from "@certbound/core";
import { createServer } from "node:http";

const resolve = fromProxy(rfc9440(), { trust: { unixSocket: true } });

const server = createServer((request, response) => {
  const found = resolve(request);
  response.end(found instanceof AccessTokenError ? `${found.code}: ${found.detail}` : found.thumbprint);
});
server.listen({ fd: 3 }, () => process.stdout.write(`${JSON.stringify(server.address())}\n`));
