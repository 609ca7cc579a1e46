// Compares the public declarations of each built package with its API report, packages/NAME/NAME.api.md. Fails if they differ,
// so that reviewers see every change of the public API.
//   --write   writes the reports

import { Extractor, ExtractorConfig, ExtractorLogLevel } from "@microsoft/api-extractor";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { argv } from "node:process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const localBuild = argv.includes("--write");

const changed = ["core", "express", "fastify", "testing", "cli"].filter((name) => !isUpToDate(name));
if (changed.length > 0) {
  console.error(
    `The public API of ${changed.join(", ")} differs from the report. If that is intended: npm run api -- --write`,
  );
  process.exitCode = 1;
} else console.log("api: no changes");

/** @param {string} name of a folder of packages/ */
function isUpToDate(name) {
  const projectFolder = join(root, "packages", name);
  const reportTempFolder = join(root, "node_modules/.cache/api-report");
  mkdirSync(reportTempFolder, { recursive: true });
  const config = ExtractorConfig.prepare({
    configObjectFullPath: undefined,
    packageJsonFullPath: join(projectFolder, "package.json"),
    configObject: {
      projectFolder,
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
        reportFolder: projectFolder,
        reportTempFolder,
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
  const { succeeded, apiReportChanged } = Extractor.invoke(config, { localBuild, showVerboseMessages: false });
  return localBuild ? succeeded : succeeded && !apiReportChanged;
}
