// Compares the public declarations of each built package with its API report, packages/NAME/NAME.api.md. Fails if they differ,
// so that reviewers see every change of the public API.
//   --write   writes the reports

import { Extractor, ExtractorConfig, ExtractorLogLevel } from "@microsoft/api-extractor";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { argv } from "node:process";
import { packageNames, root } from "../packages.mjs";

const folder = join(root, "node_modules/.cache/api-report");

mkdirSync(folder, { recursive: true });
const changed = packageNames.filter((name) => {
  const report = reportOf(name);
  const file = join(root, "packages", name, `${name}.api.md`);
  if (argv.includes("--write")) writeFileSync(file, report);
  return !existsSync(file) || readFileSync(file, "utf8") !== report;
});
if (changed.length > 0) {
  console.error(
    `The public API of ${changed.join(", ")} differs from the report. If that is intended: npm run api -- --write`,
  );
  process.exitCode = 1;
} else console.log("api: no changes");

/**
 * Describes the public declarations of a built package.
 *
 * @param {string} name of a folder of packages/
 * @throws if the declarations do not compile
 */
function reportOf(name) {
  const projectFolder = join(root, "packages", name);
  const config = ExtractorConfig.prepare({
    configObjectFullPath: undefined,
    packageJsonFullPath: join(projectFolder, "package.json"),
    configObject: {
      projectFolder,
      newlineKind: "lf",
      mainEntryPointFilePath: join(projectFolder, "dist/index.d.ts"),
      compiler: {
        overrideTsconfig: {
          compilerOptions: {
            target: "es2023",
            lib: ["es2023"],
            module: "nodenext",
            strict: true,
            types: ["node"],
            skipLibCheck: true,
          },
          files: ["dist/index.d.ts"],
        },
      },
      apiReport: {
        enabled: true,
        reportFileName: `${name}.api.md`,
        reportFolder: folder,
        reportTempFolder: join(folder, "temporary"),
        // Release tags such as @public are not used: everything that an index exports is public.
        includeForgottenExports: true,
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: {
        compilerMessageReporting: { default: { logLevel: ExtractorLogLevel.Error } },
        extractorMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
        tsdocMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
      },
    },
  });
  // A local build writes the report.
  const { succeeded } = Extractor.invoke(config, { localBuild: true, messageCallback: withoutProgress });
  if (!succeeded) throw new Error(`the declarations of ${name} cannot be read`);
  // Whether a member has a comment is not part of the API.
  return readFileSync(join(folder, `${name}.api.md`), "utf8").replaceAll(/^ *\/\/ \(undocumented\)\n/gm, "");
}

/** @param {import("@microsoft/api-extractor").ExtractorMessage} message */
function withoutProgress(message) {
  if (message.logLevel !== ExtractorLogLevel.Error) message.handled = true;
}
