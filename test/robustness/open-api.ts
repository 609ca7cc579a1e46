import { createVerifier } from "@certbound/core";
import type { RunningServer } from "@certbound/testing";
import { afterAll, beforeAll, expect } from "vitest";
import type { Backend, ProtectedRoute } from "../adapters/backend.ts";
import { expressBackends } from "../adapters/express-backends.ts";
import { fastifyBackends } from "../adapters/fastify-backends.ts";
import { nodeBackends } from "../adapters/node-backends.ts";
import type { Parties } from "../helpers/parties.ts";

/** One backend for each adapter, and every version of Express. */
export const exposedBackends: readonly (readonly [string, Backend])[] = [
  ...nodeBackends.slice(0, 1),
  ...expressBackends,
  ...fastifyBackends.slice(0, 1),
].map((backend) => [backend.name, backend]);

/** Starts a backend with one protected route, `/`. */
export async function startRoute(
  backend: Backend,
  { tls, verifierOptions }: Parties,
  options: Partial<ProtectedRoute["options"]> & { readonly onHandled?: () => void } = {},
): Promise<RunningServer> {
  const { onHandled = () => {}, ...given } = options;
  const verifier = createVerifier(verifierOptions);
  const route: ProtectedRoute = {
    path: "/",
    requirements: {},
    options: { verifier, onRejected: () => {}, ...given },
    onHandled,
  };
  return backend.start([route], { ...tls, maxHeaderSize: 32_768 });
}

/**
 * Records unhandled rejections and uncaught exceptions in all tests of a file.
 *
 * @returns a function that expects that there are none
 */
export function watchForCrashes(): () => Promise<void> {
  const crashes: unknown[] = [];
  const record = (reason: unknown): void => void crashes.push(reason);
  beforeAll(() => {
    process.on("unhandledRejection", record).on("uncaughtException", record);
  });
  afterAll(() => {
    process.off("unhandledRejection", record).off("uncaughtException", record);
  });
  return async () => {
    // A rejection is unhandled only after the current turn of the event loop.
    await new Promise((resolve) => void setImmediate(resolve));
    expect(crashes).toEqual([]);
  };
}
