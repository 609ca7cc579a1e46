import { once } from "node:events";
import type { Server } from "node:https";
import type { AddressInfo } from "node:net";
import type { RunningServer } from "@certbound/testing";
import { afterAll, vi } from "vitest";

/** The environment variables that the servers of the guides read. */
export interface GuideEnvironment {
  readonly issuer: { readonly issuer: string; readonly audience: string };
  readonly host: { readonly key: string; readonly certificate: string };
  /** The CA of the clients; omitted if the guide does not use one. */
  readonly clientCa?: string;
}

/** Sets the environment of a guide until the end of the test file. Call it before the guide is imported. */
export function setEnvironment({ issuer, host, clientCa }: GuideEnvironment): void {
  vi.stubEnv("CERTBOUND_ISSUER", issuer.issuer);
  vi.stubEnv("CERTBOUND_AUDIENCE", issuer.audience);
  vi.stubEnv("PORT", "0");
  vi.stubEnv("SERVER_KEY", host.key);
  vi.stubEnv("SERVER_CERTIFICATE", host.certificate);
  if (clientCa !== undefined) vi.stubEnv("CLIENT_CA", clientCa);
  afterAll(() => void vi.unstubAllEnvs());
}

/** Waits until the server of a guide listens. */
export async function listening(server: Server): Promise<RunningServer> {
  if (!server.listening) await once(server, "listening");
  // A server that listens on a port has an `AddressInfo`.
  const { port } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
  };
  return { url: `https://127.0.0.1:${port}`, close };
}

/** Loads the server of a guide again with these variables; `undefined` removes a variable. Restores them afterwards. */
export async function startWith<T>(
  load: () => Promise<T>,
  variables: Readonly<Record<string, string | undefined>>,
): Promise<T> {
  const before = Object.keys(variables).map((name) => [name, process.env[name]] as const);
  for (const [name, value] of Object.entries(variables)) setVariable(name, value);
  try {
    vi.resetModules();
    return await load();
  } finally {
    for (const [name, value] of before) setVariable(name, value);
  }
}

function setVariable(name: string, value: string | undefined): void {
  if (value === undefined) delete process.env[name];
  else process.env[name] = value;
}
