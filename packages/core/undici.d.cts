import type * as Undici from "undici";

export interface LoadedUndici {
  readonly undici: typeof Undici | undefined;
  readonly cause: unknown;
}

export function loadUndici(): LoadedUndici;
