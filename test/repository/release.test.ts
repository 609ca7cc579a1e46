import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { env } from "node:process";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { packageNames } from "../../tools/packages.mjs";
import { withRelease } from "../../tools/release/changelog.mjs";
import { problemsOf } from "../../tools/release/problems.mjs";

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

  test("contains the unreleased changes and the changes of the changesets, grouped by kind", () => {
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

  test("can be written for the changelog of this repository, even directly after a release", () => {
    const changelog = readFileSync(`${root}CHANGELOG.md`, "utf8");
    const changes = [{ type: "patch", summary: "Mends a thing." }] as const;
    const released = withRelease(changelog, { ...release, version: "999.0.0", changes });
    expect(released).toContain("\n## [999.0.0] - 2026-05-04\n");
    expect(withRelease(released, { ...release, version: "999.0.1", changes })).toContain(
      "\n## [999.0.1] - 2026-05-04\n",
    );
  });
});

describe("the problems of a release", () => {
  const origin = "https://git.example.com/certbound/certbound";
  const ready = {
    version: "0.2.0",
    tag: "v0.2.0",
    changelog: "# Changelog\n\n## [Unreleased]\n\n## [0.2.0] - 2026-05-04\n",
    changesets: [],
    repositories: { "@certbound/core": `git+${origin}.git`, "@certbound/cli": origin },
    origin,
  };

  test("are an empty list for a version that is ready", () => expect(problemsOf(ready)).toEqual([]));

  test.each([
    ["another tag", { tag: "v0.2.1" }, "the tag is not v0.2.0"],
    ["a changelog without the version", { changelog: "See ## [0.2.0].\n" }, 'no section "## [0.2.0]"'],
    ["a changeset that is not in the changelog", { changesets: ["a-change.md"] }, "does not include a-change.md"],
    ["a manifest without repository", { repositories: { core: undefined }, origin: undefined }, "set repository"],
    [
      "a manifest with another repository",
      { repositories: { core: `${origin}-fork` } },
      `set repository to ${origin} in core`,
    ],
  ])("are listed for %s", (_what, change, problem) => {
    expect(problemsOf({ ...ready, ...change })).toEqual([expect.stringContaining(problem)]);
  });
});

describe("the packages", () => {
  test("share one version", () => {
    expect(new Set(packageNames.map((name) => manifestOf(name).version)).size).toBe(1);
  });

  test.each(["express", "fastify"])("%s accepts newer patches of core, so that an application has one copy", (name) => {
    expect(manifestOf(name).dependencies?.["@certbound/core"]).toBe(`^${manifestOf("core").version}`);
  });

  test("cli depends on one exact version of core, because it uses the internal module", () => {
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
  const values = /^ *(?:group|GH_TOKEN|GH_REPO): (?:[^$]|\$\{\{ github\.(?:workflow|ref|token|repository) \}\})+$/;
  const expressions = workflow.split("\n").filter((line) => line.includes("${{") && !values.test(line));
  const blanket = [...workflow.matchAll(/permissions: *\S.*/g)];
  const credentials = workflow
    .split("actions/checkout@")
    .slice(1)
    .filter((step) => !/^[^-]*persist-credentials: false/.test(step));
  return [...actions, ...defaults, ...triggers, ...expressions, ...blanket, ...credentials].map((part) => String(part));
}

describe("a hosted workflow", () => {
  test.each(workflows)("%s pins its actions and has only the permissions that it needs", (_file, workflow) => {
    expect(unsafeParts(workflow)).toEqual([]);
  });

  const pinned = `uses: actions/setup-node@${"0".repeat(40)} # v6.3.0\n`;
  const safe = `permissions:\n  contents: read\n\njobs:\n${pinned}`;
  test("is safe with a pinned action and read-only permissions", () => expect(unsafeParts(safe)).toEqual([]));

  test.each([
    ["an action that is pinned by its tag", safe.replace("0".repeat(40), "v6")],
    ["an action without its version in a comment", safe.replace(" # v6.3.0", "")],
    ["default permissions", pinned],
    ["another permission for all jobs", safe.replace("contents: read\n", "contents: read\n  id-token: write\n")],
    ["secrets for pull requests of strangers", `on: pull_request_target\n${safe}`],
    ["the title of an issue in a command", `${safe}run: echo \${{ github.event.issue.title }}\n`],
    ["the name of a branch in a command", `${safe}run: echo \${{ github.ref }}\n`],
    ["all permissions for a job", `${safe}permissions: write-all\n`],
    ["credentials that stay in the checkout", safe.replace("actions/setup-node", "actions/checkout")],
  ])("is unsafe with %s", (_what, workflow) => expect(unsafeParts(workflow)).not.toEqual([]));

  const release = readFileSync(`${folder}release.yml`, "utf8");
  const publish = release.slice(release.indexOf("\n  publish:"), release.indexOf("\n  github-release:"));

  test("that publishes runs all checks of ci.yml before, in the same container", () => {
    const [container = "none"] = /container: .*/.exec(readFileSync(`${folder}ci.yml`, "utf8")) ?? [];
    const build = release.slice(release.indexOf("\n  build:"), release.indexOf("\n  publish:"));
    expect(build).toContain(`${container}\n`);
    expect(build).toContain("- run: .ci/run\n");
    expect(publish).toContain("needs: build\n");
  });

  test("in a container lets git read a checkout that has another owner", () => {
    const inContainers = workflows.filter(([, workflow]) => workflow.includes("container:"));
    expect(inContainers).toHaveLength(2);
    for (const [, workflow] of inContainers) expect(workflow).toContain("--add safe.directory");
  });

  test("that publishes runs no code of the repository", () => {
    expect(publish).toContain("id-token: write");
    expect(publish).not.toMatch(/checkout|npm (?:ci|run|install|test)|npx|node_modules/);
    expect(release.replace(publish, "")).not.toContain("id-token");
  });
});

describe("the script that publishes", () => {
  const release = readFileSync(`${folder}release.yml`, "utf8");
  const [, lines = ""] = /- run: \|\n((?: {10}.*\n)+)/.exec(release) ?? [];
  const script = lines.replaceAll(/^ {10}/gm, "");

  test.each([
    ["a new package as latest", "0.2.0", {}, "latest"],
    ["a newer version as latest", "0.10.0", { "@certbound/core": "0.9.0" }, "latest"],
    ["a fix of an older line as maintenance", "0.1.5", { "@certbound/core": "0.2.0" }, "maintenance"],
    ["a prerelease as next", "1.0.0-rc.1", { "@certbound/core": "0.9.0" }, "next"],
  ])("publishes %s, core first", (_what, version, registry, tag) => {
    const published = publishWith({ version, registry });
    expect(published).toEqual(
      ["core", "testing", "express", "fastify", "cli"].map(
        (name) => `--ignore-scripts --provenance --access public --tag ${tag} ./first/certbound-${name}-${version}.tgz`,
      ),
    );
  });

  test("skips only the packages that an interrupted run has published", () => {
    const registry = {
      "@certbound/core": "0.2.0",
      "@certbound/core@0.2.0": integrityOf("core"),
      "@certbound/testing@0.2.0": integrityOf("another tarball"),
    };
    const files = publishWith({ version: "0.2.0", registry }).map((line) => line.replace(/.* /, ""));
    expect(files[0]).toBe("./first/certbound-testing-0.2.0.tgz");
    expect(files).toHaveLength(4);
  });

  /** Runs the script with an npm that reads the given registry, and returns the parameters of each `npm publish`. */
  function publishWith({
    version,
    registry,
  }: {
    version: string;
    registry: Readonly<Record<string, string>>;
  }): string[] {
    const cwd = mkdtempSync(join(tmpdir(), "certbound-publish-"));
    onTestFinished(() => rmSync(cwd, { recursive: true }));
    mkdirSync(join(cwd, "first"));
    for (const name of ["core", "testing", "express", "fastify", "cli"])
      writeFileSync(join(cwd, "first", `certbound-${name}-${version}.tgz`), name);
    const answers = Object.entries(registry).map(([spec, answer]) => `"view ${spec}") echo ${answer} ;;`);
    const npm = [
      "#!/bin/sh",
      'case "$1 $2" in',
      ...answers,
      '"publish "*) shift; echo "$@" >>published ;;',
      "*) exit 1 ;;",
      "esac",
    ];
    writeFileSync(join(cwd, "npm"), npm.join("\n"), { mode: 0o755 });
    const variables = { PATH: `${cwd}:${env["PATH"]}`, GITHUB_REF_NAME: `v${version}` };
    // The shell of GitHub's runners.
    execFileSync("bash", ["-e", "-c", script], { cwd, env: variables, stdio: "pipe" });
    return readFileSync(join(cwd, "published"), "utf8").trim().split("\n");
  }

  function integrityOf(tarball: string): string {
    return `sha512-${createHash("sha512").update(tarball).digest("base64")}`;
  }
});
