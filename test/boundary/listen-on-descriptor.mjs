// Listens on file descriptor 3, like a service with systemd socket activation, and responds with the result of the trust
// rule for each request.

import { AccessTokenError, fromProxy, rfc9440 } from "@certbound/core";
import { createServer } from "node:http";

const resolve = fromProxy(rfc9440(), { trust: { unixSocket: true } });

const server = createServer((request, response) => {
  const result = resolve(request);
  response.end(result instanceof AccessTokenError ? `${result.code}: ${result.detail}` : result.thumbprint);
});
server.listen({ fd: 3 }, () => process.stdout.write(`${JSON.stringify(server.address())}\n`));
