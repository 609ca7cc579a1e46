import { styleText } from "node:util";
import type { Surroundings } from "../program.ts";

/** The styles of text. */
export type Style = "good" | "bad" | "faint" | "strong";

/** Applies a style to text, if the output supports it. */
export type Styling = (style: Style, text: string) => string;

const formats = { good: "green", bad: "red", faint: "dim", strong: "bold" } as const;

/** Returns colours for a terminal, unless NO_COLOR is set and not empty; otherwise no styling. */
export function stylingFor({ stdout, env }: Surroundings): Styling {
  if (stdout.isTTY !== true || (env["NO_COLOR"] ?? "") !== "") return (_style, text) => text;
  // The given output decides, not the output of the process.
  return (style, text) => styleText(formats[style], text, { validateStream: false });
}
