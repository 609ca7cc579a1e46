import { createAuthenticator } from "@certbound/core";
import { createSecureServer } from "node:http2";

const { options, tls } = JSON.parse(process.env.API ?? "");
const authenticator = createAuthenticator(options);
const authenticate = authenticator();
const server = createSecureServer({ ...tls, requestCert: true, rejectUnauthorized: false }, (request, response) => {
  authenticate(request).then(
    () => response.end(),
    (error) => response.writeHead(authenticator.rejection(error).status).end(),
  );
});
server.listen(0, "localhost", () => console.log(JSON.stringify(server.address())));
