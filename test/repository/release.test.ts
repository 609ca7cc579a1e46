import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { withRelease } from "../../tools/release/changelog.mjs";

const root = fileURLToPath(new URL("../../", import.meta.url));

interface Manifest {
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

function manifestOf(name: string): Manifest {
  return JSON.parse(readFileSync(`${root}packages/${name}/package.json`, "utf8")) as Manifest;
}

describe("the changelog of a release", () => {
  const release = { version: "0.2.0", date: "2026-05-04", changes: [] };
  const start = "# Changelog\n\n## [Unreleased]\n";

  test("gets the unreleased changes and those of the changesets by their kind", () => {
    const changes = [
      { type: "patch", summary: "Mends a thing.\nIn two lines.\n" },
      { type: "minor", summary: "Adds a thing." },
    ] as const;
    const text = `${start}\n### Security\n\n- A fix.\n\n## [0.1.0] - 2026-01-01\n\n- The first.\n`;
    expect(withRelease(text, { ...release, changes })).toBe(
      `${start}\n## [0.2.0] - 2026-05-04\n\n### Security\n\n- A fix.\n\n### Added and changed\n\n- Adds a thing.\n\n### Fixed\n\n- Mends a thing.\n  In two lines.\n\n## [0.1.0] - 2026-01-01\n\n- The first.\n`,
    );
  });

  test("becomes the first section of the first release", () => {
    expect(withRelease(`${start}\nThe first version.\n`, release)).toBe(
      `${start}\n## [0.2.0] - 2026-05-04\n\nThe first version.\n`,
    );
  });

  test.each([
    ["without the section Unreleased", "# Changelog\n", "no section [Unreleased]"],
    ["that already describes the version", `${start}\nNew.\n\n## [0.2.0]\n\nOld.\n`, "already has a section"],
    ["without a change", `${start}\n## [0.1.0]\n\nOld.\n`, "nothing has changed"],
  ])("rejects a changelog %s", (_what, text, message) => {
    expect(() => withRelease(text, release)).toThrow(message);
  });

  test("can be written for the changelog of this repository", () => {
    const changelog = readFileSync(`${root}CHANGELOG.md`, "utf8");
    expect(withRelease(changelog, { ...release, version: "999.0.0" })).toContain("\n## [999.0.0] - 2026-05-04\n");
  });
});

describe("the packages", () => {
  const names = ["core", "express", "fastify", "testing", "cli"];

  test("share one version", () => {
    expect(new Set(names.map((name) => manifestOf(name).version)).size).toBe(1);
  });

  test.each(["express", "fastify"])("%s accepts newer patches of core, so that an application has one copy", (name) => {
    expect(manifestOf(name).dependencies?.["@certbound/core"]).toBe(`^${manifestOf("core").version}`);
  });

  test("cli takes exactly its core, because it uses what is not public", () => {
    expect(manifestOf("cli").dependencies?.["@certbound/core"]).toBe(manifestOf("core").version);
  });
});

const folder = `${root}.github/workflows/`;
const workflows = readdirSync(folder).map((file) => [file, readFileSync(`${folder}${file}`, "utf8")] as const);

/** Lists what is unsafe in a workflow: actions that are not pinned, permissions by default, text of strangers in a shell. */
function unsafeParts(workflow: string): readonly string[] {
  const actions = [...workflow.matchAll(/uses: *(\S+)(.*)$/gm)].filter(
    ([, action = "", comment = ""]) => !/@[0-9a-f]{40}$/.test(action) || !/^ # v\d+\.\d+\.\d+$/.test(comment),
  );
  const defaults = /^permissions:\n {2}contents: read\n(?! )/m.test(workflow) ? [] : ["permissions are not read-only"];
  const triggers = [...workflow.matchAll(/pull_request_target|workflow_run/g)];
  const expressions = [...workflow.matchAll(/\$\{\{(?! *github\.(?:workflow|ref|token|repository) *\}\}).*?\}\}/g)];
  const credentials = workflow
    .split("actions/checkout@")
    .slice(1)
    .filter((step) => !/^[^-]*persist-credentials: false/.test(step));
  return [...actions, ...defaults, ...triggers, ...expressions, ...credentials].map((part) => String(part));
}

describe("a hosted workflow", () => {
  test.each(workflows)("%s pins its actions and has least permissions", (_file, workflow) => {
    expect(unsafeParts(workflow)).toEqual([]);
  });

  const pinned = `uses: actions/setup-node@${"0".repeat(40)} # v6.3.0\n`;
  const safe = `permissions:\n  contents: read\n\njobs:\n${pinned}`;
  test("is safe with a pinned action and read-only permissions", () => expect(unsafeParts(safe)).toEqual([]));

  test.each([
    ["an action by its tag", safe.replace("0".repeat(40), "v6")],
    ["an action without its version", safe.replace(" # v6.3.0", "")],
    ["default permissions", pinned],
    ["another permission for all jobs", safe.replace("contents: read\n", "contents: read\n  id-token: write\n")],
    ["secrets for pull requests of strangers", `on: pull_request_target\n${safe}`],
    ["the title of an issue in a command", `${safe}run: echo \${{ github.event.issue.title }}\n`],
    ["credentials that stay in the checkout", safe.replace("actions/setup-node", "actions/checkout")],
  ])("is unsafe with %s", (_what, workflow) => expect(unsafeParts(workflow)).not.toEqual([]));

  test("that publishes runs no code of the repository", () => {
    const release = readFileSync(`${folder}release.yml`, "utf8");
    const publish = release.slice(release.indexOf("\n  publish:"), release.indexOf("\n  github-release:"));
    expect(publish).toContain("id-token: write");
    expect(publish).not.toMatch(/checkout|npm (?:ci|run|install|test)/);
    expect(release.replace(publish, "")).not.toContain("id-token");
  });
});
