import crypto from "node:crypto";
import { syncBuiltinESMExports } from "node:module";
import { onTestFinished } from "vitest";

/**
 * Observes until the test finishes when keys are created from JWKs: one number for each, which tells in which turn of the
 * event loop it was. The keys are created as ever.
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
  subtle.importKey = async (...given: readonly unknown[]) => {
    turns.push(turn());
    return Reflect.apply(importKey, subtle, given) as ReturnType<typeof importKey>;
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
  const beat = (): void => {
    turn += 1;
    next = setImmediate(beat);
  };
  beat();
  onTestFinished(() => clearImmediate(next));
  return { turn: () => turn };
}
