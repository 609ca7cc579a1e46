import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll } from "vitest";
import { everythingOf } from "./leaks.ts";

const sources = new URL("../../packages/core/src/", import.meta.url);

/** The diagnostics channels of the core: a new one is listened to without anybody thinking of it. */
export const channels: readonly string[] = readdirSync(sources, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts"))
  .flatMap((name) => [...readFileSync(new URL(name, sources), "utf8").matchAll(/channel\("([^"]+)"\)/g)])
  .map(([, name = ""]) => name);

/** What the process has said to anybody: events, warnings, and what it wrote. */
export interface Overheard {
  readonly events: readonly unknown[];
  /** All that was said since it was last asked for. */
  readonly take: () => string;
}

/** Listens to the process in all tests of a file. */
export function overhear(): Overheard {
  const said: string[] = [];
  const events: unknown[] = [];
  const note = (what: unknown): void => void said.push(everythingOf(what));
  const hear = (event: unknown): void => {
    events.push(event);
    // The one claim that is told, by the channel that is made to tell it.
    const { clientId: _told, ...rest } = event as { readonly clientId?: string };
    note(rest);
  };
  const restore: (() => void)[] = [];

  /** Takes the place of a function that writes: what it is given is for these tests only. */
  const tap = (object: object, name: string): void => {
    const original: unknown = Reflect.get(object, name);
    Reflect.set(object, name, (...given: unknown[]) => {
      given.forEach(note);
      return true;
    });
    restore.push(() => void Reflect.set(object, name, original));
  };

  beforeAll(() => {
    for (const channel of channels) subscribe(channel, hear);
    process.on("warning", note);
    for (const name of ["log", "info", "warn", "error", "debug", "trace"]) tap(console, name);
    for (const stream of [process.stdout, process.stderr]) tap(stream, "write");
  });
  afterAll(() => {
    for (const channel of channels) unsubscribe(channel, hear);
    process.off("warning", note);
    for (const end of restore) end();
  });
  return { events, take: () => said.splice(0).join("\n") };
}
