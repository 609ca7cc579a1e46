import { type AccessToken, protectApi } from "@certbound/express";
import type { EventEmitter } from "node:events";
import type { IncomingMessage } from "node:http";
import { createServer } from "node:https";
import { Server } from "socket.io";
import { tls } from "../tls.js";

type EngineRequest = IncomingMessage & { accessToken: AccessToken; _query: { sid?: string } };

const protect = protectApi();

export const server = createServer(tls);
server.on("upgrade", (_request, socket) => {
  socket.on("error", () => socket.destroy()); // the client may disconnect while the token is being verified
});

const io = new Server(server);
const owners = new Map<string, string | undefined>();

// Every HTTP request needs a token and its certificate: handshakes, polling and upgrades.
io.engine.use(protect({ scopes: ["read"] }));
// A session ID is part of the URL, so it is not a secret: only the certificate that started a session may continue it.
io.engine.use(({ _query, accessToken }: EngineRequest, _response: unknown, next: (error?: Error) => void) => {
  const isOwner = _query.sid === undefined || owners.get(_query.sid) === accessToken.clientCertificate?.thumbprint;
  next(isOwner ? undefined : new Error("the session belongs to another certificate"));
});
io.engine.on("connection", (session: EventEmitter & { id: string; request: EngineRequest }) => {
  owners.set(session.id, session.request.accessToken.clientCertificate?.thumbprint);
  session.once("close", () => owners.delete(session.id));
});

io.on("connection", (socket) => {
  const { claims } = (socket.request as EngineRequest).accessToken;
  socket.on("accounts", (respond: (accounts: object) => void) => respond({ client: claims.client_id }));
});
