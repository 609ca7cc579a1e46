const HEADINGS = { major: "Breaking", minor: "Added and changed", patch: "Fixed" };

/**
 * Returns the changelog with a section for a release: the text under "Unreleased", then the summaries of the changesets.
 *
 * @param {string} changelog with a section "## [Unreleased]"
 * @param {{ version: string, date: string, changes: readonly { type: "major" | "minor" | "patch", summary: string }[] }} release
 * @throws if the changelog has no section "Unreleased", or already has one for this version, or if nothing has changed
 */
export function withRelease(changelog, { version, date, changes }) {
  const [, before, unreleased, after] = /^(.*?)^## \[Unreleased\]\n(.*?)(^## .*)?$(?![\s\S])/ms.exec(changelog) ?? [];
  if (before === undefined || unreleased === undefined) throw new Error("the changelog has no section [Unreleased]");
  if (changelog.includes(`## [${version}]`)) throw new Error(`the changelog already has a section for ${version}`);
  const sections = Object.entries(HEADINGS).flatMap(([type, heading]) => {
    const summaries = changes.filter((change) => change.type === type).map(({ summary }) => item(summary));
    return summaries.length === 0 ? [] : [`### ${heading}\n\n${summaries.join("\n")}`];
  });
  const parts = [unreleased.trim(), ...sections].filter((part) => part !== "");
  if (parts.length === 0) throw new Error("nothing has changed since the last release");
  const section = `## [${version}] - ${date}\n\n${parts.join("\n\n")}\n`;
  return `${before}## [Unreleased]\n\n${section}${after === undefined ? "" : `\n${after}`}`;
}

/** @param {string} summary */
function item(summary) {
  return `- ${summary.trim().replaceAll("\n", "\n  ")}`;
}
