import { startServer } from "@certbound/testing";
import { createServer } from "node:http";
import { createAuthorizationServer } from "./authorization-server.js";

/** Requests a code from a new authorization server. Returns the first cookie that it sets, and the cookie's signature. */
export async function firstCookie({ signingKey }) {
  const server = createServer();
  const { url: issuer, close } = await startServer(server);
  const audience = "https://api.example.com";
  server.on("request", createAuthorizationServer({ issuer, signingKey, audience, scope: "read" }).handle);
  const request = { client_id: "page", redirect_uri: `${issuer}/`, response_type: "code", scope: "read" };
  const pkce = { code_challenge: "A".repeat(43), code_challenge_method: "S256" };
  const query = new URLSearchParams({ ...request, ...pkce, resource: audience });
  const response = await fetch(`${issuer}/auth?${query}`, { redirect: "manual" });
  await response.body?.cancel();
  await close();
  const [cookie, signature] = response.headers.getSetCookie().map((text) => text.split(";")[0]);
  return { cookie, signature: signature.split("=")[1] };
}
