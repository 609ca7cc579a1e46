import { createServer } from "node:https";
import { createApp } from "./app.js";

const { options, tls } = JSON.parse(process.env.API ?? "");
const app = createApp(options);
const server = createServer({ ...tls, requestCert: true, rejectUnauthorized: false, minVersion: "TLSv1.3" }, app);
server.listen(0, "localhost", () => console.log(JSON.stringify(server.address())));
