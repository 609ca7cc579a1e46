import type { CheckServerReport, ServerCheck } from "../check-server/report.ts";
import type { Style, Styling } from "./styling.ts";

const marks: Readonly<Record<ServerCheck["verdict"], readonly [string, Style]>> = {
  good: ["✓", "good"],
  "fails-open": ["✗", "bad"],
  "fails-closed": ["✗", "bad"],
  lesser: ["!", "strong"],
  untold: ["–", "faint"],
};

const LARGE = "FAILS OPEN";

/** Writes what the API did for people. */
export function checkServerText({ url, checks, summary }: CheckServerReport, style: Styling): string {
  const lines = checks.flatMap((check) => {
    const [mark, color] = marks[check.verdict];
    const large = check.verdict === "fails-open" ? style("bad", `  *** ${LARGE} ***`) : "";
    return [
      `${style(color, mark)} ${style("strong", check.request)}${large}`,
      `    ${style("faint", "expected ")}${check.expected}`,
      `    ${style("faint", "seen     ")}${check.seen}`,
      ...(check.finding === undefined ? [] : [`    ${style("faint", "finding  ")}${check.finding}`]),
    ];
  });
  return `${[url, ...lines, "", summary].join("\n")}\n`;
}
