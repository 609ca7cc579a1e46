// Sends one request to an API over plain HTTP. With an argument, the API detects Bun in this version.
import { createAuthenticator } from "@certbound/core";
import { startServer } from "@certbound/testing";
import { createServer } from "node:http";
import { argv, versions } from "node:process";

const [, , bun] = argv;
if (bun !== undefined) Object.defineProperty(versions, "bun", { value: bun });
const authenticate = createAuthenticator({ issuer: "https://issuer.example", audience: null })();
const server = createServer((request, response) => {
  authenticate(request).catch(() => response.writeHead(401).end());
});
const { url, close } = await startServer(server);
console.log((await fetch(url)).status);
await close();
