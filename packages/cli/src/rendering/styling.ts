import { styleText } from "node:util";
import type { Surroundings } from "../program.ts";

/** The styles of text. */
export type Style = "good" | "bad" | "faint" | "strong";

/** Applies a style to text, if the output supports it. */
export type Styling = (style: Style, text: string) => string;

const formats = { good: "green", bad: "red", faint: "dim", strong: "bold" } as const;

/** Returns a function that applies colours if the output is a terminal and NO_COLOR is not set, or is empty. */
export function stylingFor({ stdout, env }: Surroundings): Styling {
  if (stdout.isTTY !== true || (env["NO_COLOR"] ?? "") !== "") return (_style, text) => text;
  // validateStream would check the stdout of the process instead of the given one.
  return (style, text) => styleText(formats[style], text, { validateStream: false });
}
