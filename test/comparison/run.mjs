// Measures the facts in docs/comparison.md about certbound and other packages: npm run comparison
// Fails if an outcome differs from the page.
//   --sap        also installs and measures @sap/xssec: installing it means accepting SAP's licence, so this is not the default
//   --write      updates the tables of the page; needs --sap
//   --no-times   measures no times

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { outcomeOf, tables } from "./cases.mjs";
import { factsOf } from "./packages.mjs";
import { measuredTables, toMarkdown, writeTables } from "./page.mjs";
import { createParties } from "./parties.mjs";
import { ratiosOfTimes } from "./times.mjs";

/** The column and the package of each candidate, by the name of its file in candidates/. */
const allColumns = {
  certbound: { title: "certbound", package: "@certbound/express" },
  auth0: { title: "express-oauth2-jwt-bearer", package: "express-oauth2-jwt-bearer" },
  xssec: { title: "@sap/xssec", package: "@sap/xssec" },
  "better-auth": { title: "better-auth", package: "better-auth" },
  "by-hand": { title: "jose, by hand", package: "jose" },
};
const XSSEC = "@sap/xssec@4.15.0";
const { write, times, sap } = parseArgs({
  allowNegative: true,
  options: {
    sap: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
    times: { type: "boolean", default: true },
  },
}).values;
if (write && !sap) throw new Error("--write needs --sap, because it writes all columns");
const columns = Object.fromEntries(Object.entries(allColumns).filter(([name]) => sap || name !== "xssec"));
const titles = Object.values(columns).map(({ title }) => title);

npm(["ci", "--prefer-offline"]);
if (sap) npm(["install", "--no-save", "--no-package-lock", XSSEC]);

const parties = await createParties();
try {
  const candidates = await Promise.all(Object.keys(columns).map((name) => parties.startCandidate(name)));
  /** @type {Map<string, string>} */
  const measured = new Map();
  for (const [name, cases] of Object.entries(tables)) measured.set(name, await measureTable(cases, candidates));
  const facts = Object.values(columns).map((column) => factsOf(column.package));
  measured.set("packages", tableOfPackages(facts));
  for (const [name, table] of measured) console.log(`\n${name}\n\n${table}`);
  const written = measuredTables(sap ? [] : [allColumns.xssec.title]);
  const differing = [...measured].filter(([name, table]) => written.get(name) !== table).map(([name]) => name);
  if (times) measured.set("costs", await tableOfCosts(candidates, facts));
  if (write) writeTables(measured);
  else if (differing.length > 0) {
    console.error(
      `docs/comparison.md differs: ${differing.join(", ")}. To update it: npm run comparison -- --sap --write`,
    );
    process.exitCode = 1;
  } else console.log(`comparison: every outcome is as docs/comparison.md says${sap ? "" : ", without @sap/xssec"}`);
} finally {
  await parties.close();
}

/** @param {readonly string[]} parameters */
function npm(parameters) {
  const cwd = fileURLToPath(new URL(".", import.meta.url));
  const { status } = spawnSync("npm", parameters, { cwd, stdio: ["ignore", "ignore", "inherit"] });
  if (status !== 0) throw new Error(`npm ${parameters[0]} failed`);
}

/**
 * @param {readonly import("./cases.mjs").Case[]} cases
 * @param {readonly import("./parties.mjs").RunningCandidate[]} candidates
 */
async function measureTable(cases, candidates) {
  const rows = [];
  for (const testCase of cases) {
    const cells = [];
    for (const candidate of candidates) {
      const outcome = await outcomeOf(testCase, candidate, parties);
      const isExpected =
        outcome === "–" || testCase.expected === "not specified" || outcome.startsWith(testCase.expected);
      cells.push(isExpected ? outcome : `**${outcome}**`);
    }
    rows.push([testCase.name, testCase.expected, ...cells]);
  }
  return toMarkdown({ columns: ["request", "expected", ...titles], rows });
}

/** @typedef {ReturnType<typeof factsOf>} Facts */

/** @param {readonly Facts[]} facts */
function tableOfPackages(facts) {
  return toMarkdown({
    columns: ["", ...titles],
    rows: [
      ["version", ...facts.map(({ version }) => version)],
      ["licence", ...facts.map(({ license }) => license)],
      ["Node.js, according to `engines`", ...facts.map(({ node }) => node.replaceAll("||", "or"))],
      ["packages that it depends on", ...facts.map(({ dependencies }) => String(dependencies))],
    ],
  });
}

/**
 * @param {readonly import("./parties.mjs").RunningCandidate[]} candidates
 * @param {readonly Facts[]} facts
 */
async function tableOfCosts(candidates, facts) {
  const none = await parties.startCandidate("none");
  const ratios = [...(await ratiosOfTimes([...candidates, none], parties)).values()];
  const table = toMarkdown({
    columns: ["", ...titles, "no check"],
    rows: [
      ["CPU time, a token that was seen before", ...ratios.map(({ same }) => same.toFixed(1))],
      ["CPU time, a new token for each request", ...ratios.map(({ fresh }) => fresh.toFixed(1))],
      ["installed size, with dependencies", ...facts.map(({ bytes }) => `${(bytes / 1e6).toFixed(1)} MB`), "–"],
    ],
  });
  console.log(`\ncosts\n\n${table}`);
  return table;
}
