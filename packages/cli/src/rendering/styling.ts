import { styleText } from "node:util";
import type { Surroundings } from "../program.ts";

/** The ways in which words are set off. */
export type Style = "good" | "bad" | "faint" | "strong";

/** Sets words off from others, where there is something that shows it. */
export type Styling = (style: Style, text: string) => string;

const formats = { good: "green", bad: "red", faint: "dim", strong: "bold" } as const;

/** Chooses how words are set off: on a terminal by colours, unless NO_COLOR is set and not empty; elsewhere not at all. */
export function stylingFor({ stdout, env }: Surroundings): Styling {
  if (stdout.isTTY !== true || (env["NO_COLOR"] ?? "") !== "") return (_style, text) => text;
  // It is the given output that counts, not the one of the process.
  return (style, text) => styleText(formats[style], text, { validateStream: false });
}
