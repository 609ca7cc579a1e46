import { ChannelCredentials, makeClientConstructor, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import assert from "node:assert/strict";
import { promisify } from "node:util";
import { check, type Credentials, kit, type Outcome } from "../check.js";
import { type Accounts, accountsService } from "./accounts.js";

process.env["CLIENT_CA"] = kit.ca.certificate;
const { credentials, server } = await import("./server.js");
const port = await promisify(server.bindAsync.bind(server))("127.0.0.1:0", credentials);

const statuses: Partial<Record<status, number>> = { [status.UNAUTHENTICATED]: 401, [status.PERMISSION_DENIED]: 403 };

await check((presented) => (presented.identity === undefined ? withoutCertificate(presented) : list(presented)));
server.forceShutdown();

async function list(presented: Credentials): Promise<Outcome> {
  const outcome = await call(presented);
  if ("client" in outcome) return { status: 200, client: outcome.client };
  return { status: statuses[outcome.code] ?? outcome.code };
}

/** Asserts that the handshake fails, so that the API does not receive the request, and reports this as 401. */
async function withoutCertificate(presented: Credentials): Promise<Outcome> {
  const outcome = await call(presented);
  assert.ok("code" in outcome && outcome.code === status.UNAVAILABLE);
  return { status: 401 };
}

function call({ identity, token }: Credentials): Promise<Accounts | ServiceError> {
  const channel = ChannelCredentials.createSsl(pem(kit.ca.certificate), pem(identity?.key), pem(identity?.certificate));
  const client = new (makeClientConstructor(accountsService, "Accounts"))(`127.0.0.1:${port}`, channel, {
    "grpc.ssl_target_name_override": "localhost",
  });
  const metadata = new Metadata();
  if (token !== undefined) metadata.set("authorization", `Bearer ${token}`);
  return new Promise((resolve) => {
    client["list"]?.({}, metadata, (error: ServiceError | null, response: Accounts) => {
      client.close();
      resolve(error ?? response);
    });
  });
}

function pem(text: string | undefined): Buffer | null {
  return text === undefined ? null : Buffer.from(text);
}
