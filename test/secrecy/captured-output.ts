import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll } from "vitest";
import { everythingOf } from "./leaks.ts";

const sources = new URL("../../packages/core/src/", import.meta.url);

/** The diagnostics channels of the core. They are read from the sources, so that new channels are included. */
export const channels: readonly string[] = readdirSync(sources, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts"))
  .flatMap((name) => [...readFileSync(new URL(name, sources), "utf8").matchAll(/channel\("([^"]+)"\)/g)])
  .map(([, name = ""]) => name);

/** The output of the process: events, warnings, and writes to the console, stdout and stderr. */
export interface CapturedOutput {
  readonly events: readonly unknown[];
  /** Returns the output since the last call. */
  readonly take: () => string;
}

/** Captures the output of the process in all tests of a file. */
export function captureOutput(): CapturedOutput {
  const output: string[] = [];
  const events: unknown[] = [];
  const record = (value: unknown): void => void output.push(everythingOf(value));
  const recordEvent = (event: unknown): void => {
    events.push(event);
    // The client id is the only claim that events may contain.
    const { clientId: _clientId, ...rest } = event as { readonly clientId?: string };
    record(rest);
  };
  const restore: (() => void)[] = [];

  /** Replaces a function that writes, and records its arguments. */
  const replace = (object: object, name: string): void => {
    const original: unknown = Reflect.get(object, name);
    Reflect.set(object, name, (...values: unknown[]) => {
      values.forEach(record);
      return true;
    });
    restore.push(() => void Reflect.set(object, name, original));
  };

  beforeAll(() => {
    for (const channel of channels) subscribe(channel, recordEvent);
    process.on("warning", record);
    for (const name of ["log", "info", "warn", "error", "debug", "trace"]) replace(console, name);
    for (const stream of [process.stdout, process.stderr]) replace(stream, "write");
  });
  afterAll(() => {
    for (const channel of channels) unsubscribe(channel, recordEvent);
    process.off("warning", record);
    for (const undo of restore) undo();
  });
  return { events, take: () => output.splice(0).join("\n") };
}
