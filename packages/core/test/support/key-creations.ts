import crypto from "node:crypto";
import { syncBuiltinESMExports } from "node:module";
import { onTestFinished } from "vitest";

/**
 * Records until the test finishes in which turn of the event loop each key is created from a JWK.
 */
export function keyCreations(): readonly number[] {
  const { turn } = eventLoop();
  const turns: number[] = [];
  const { subtle } = globalThis.crypto;
  const { createPublicKey } = crypto;
  const { importKey } = subtle;
  crypto.createPublicKey = (key) => {
    turns.push(turn());
    return createPublicKey(key);
  };
  subtle.importKey = async (...parameters: readonly unknown[]) => {
    turns.push(turn());
    return Reflect.apply(importKey, subtle, parameters) as ReturnType<typeof importKey>;
  };
  syncBuiltinESMExports();
  onTestFinished(() => {
    crypto.createPublicKey = createPublicKey;
    subtle.importKey = importKey;
    syncBuiltinESMExports();
  });
  return turns;
}

/** Counts the turns of the event loop until the test finishes. */
export function eventLoop(): { readonly turn: () => number } {
  let turn = 0;
  let next: NodeJS.Immediate;
  const count = (): void => {
    turn += 1;
    next = setImmediate(count);
  };
  count();
  onTestFinished(() => clearImmediate(next));
  return { turn: () => turn };
}
