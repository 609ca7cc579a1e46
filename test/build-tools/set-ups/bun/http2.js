import { createAuthenticator } from "@certbound/core";
import { createSecureServer } from "node:http2";

const { options, tls } = JSON.parse(process.env.API ?? "");
const authenticator = createAuthenticator(options);
const authenticate = authenticator();
const access = { requestCert: true, rejectUnauthorized: false, minVersion: "TLSv1.3", allowHTTP1: true };
const server = createSecureServer({ ...tls, ...access });
server.on("request", (request, response) => {
  authenticate(request).then(
    () => response.end(),
    (error) => response.writeHead(authenticator.rejection(error).status).end(),
  );
});
server.setTimeout(60_000);
server.on("secureConnection", (socket) => {
  socket.once("finish", () => setTimeout(() => socket.destroy(), 60_000).unref());
});
server.listen(0, "localhost", () => console.log(JSON.stringify(server.address())));
