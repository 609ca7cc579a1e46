// One minute of load on two APIs whose issuer is down for half of it: `npm run load`. Prints a report, and exits with 1 if a
// response was wrong, an expected response never occurred, or the APIs sent too many requests to the issuer.
//   npm run load -- --seconds 25    only the first outage

import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { isWrong, printResponses } from "./report.mjs";
import { sendRequests } from "./requests.mjs";
import { createStage } from "./stage.mjs";

/**
 * The outages, in seconds after the start. An API tries to fetch an unknown key 10 s after the last success, and 1, 2, 4 ...
 * s after failures. With these times it fails during each outage, and succeeds before the next one.
 *
 * @type {{ from: number, to: number, outage: import("./issuer.mjs").Outage }[]}
 */
const OUTAGES = [
  { from: 6, to: 16, outage: "killed" },
  { from: 25, to: 35, outage: "stopped" },
  { from: 41, to: 51, outage: "killed" },
];
const RECOVERY = 9;
/** The limit for both APIs together, which fails if the cool-down or the back-off does not work. */
const MAX_FETCHES_PER_SECOND = 1;
/** The time for everything except the load, in seconds. */
const SPARE_TIME = 60;

const { values: options } = parseArgs({ options: { seconds: { type: "string", default: "60" } } });
const seconds = Number(options.seconds);
const outages = OUTAGES.filter(({ to }) => to + RECOVERY <= seconds);
if (outages.length === 0) throw new RangeError("--seconds must be at least 25, for one outage and the recovery");

for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));
const timeLimit = setTimeout(
  () => {
    console.error("the load test did not finish in time");
    process.exit(1);
  },
  (seconds + SPARE_TIME) * 1000,
);

const stage = await createStage(outages.length);
const { issuer, apis, kinds, newKeys, ca } = stage;
/** @type {import("./requests.mjs").Recording} */
const recording = { phase: "up", responses: [], ended: false };
await Promise.all([
  runOutages().finally(() => {
    recording.ended = true;
  }),
  ...apis.flatMap((api) => kinds.map((kind) => sendRequests({ api, kind, ca }, recording))),
]);
await stage.close();
clearTimeout(timeLimit);

printResponses(recording.responses);
const fetches = apis.reduce((sum, { link }) => sum + link.requests, 0);
console.log(`\nthe APIs sent ${fetches} requests to the issuer, which received ${issuer.requests}`);
const wrong = recording.responses.filter(isWrong).length;
const problems = listProblems();
for (const problem of problems) console.log(`problem: ${problem}`);
console.log(`${recording.responses.length} responses, ${wrong} wrong`);
process.exitCode = wrong === 0 && problems.length === 0 ? 0 : 1;

/** Takes the issuer down and brings it back according to `OUTAGES`. */
async function runOutages() {
  const started = performance.now();
  const until = (/** @type {number} */ second) => sleep(started + second * 1000 - performance.now());
  for (const [index, { from, to, outage }] of outages.entries()) {
    await until(from);
    recording.phase = `${outage} at ${from} s`;
    await issuer.publish(newKeys[index] ?? {});
    await issuer.goDown(outage);
    await until(to);
    recording.phase = `up at ${to} s`;
    await issuer.comeBack();
  }
  await until(seconds);
}

/** Lists the problems of the run as a whole. */
function listProblems() {
  const actual = new Set(recording.responses.map(({ api, kind, outcome }) => `${api.name}, ${kind.name}: ${outcome}`));
  const expected = apis.flatMap((api) =>
    kinds.flatMap((kind) => kind.outcomes.map((outcome) => `${api.name}, ${kind.name}: ${outcome}`)),
  );
  const unaffected = apis.filter(({ link }) => link.newestKey < outages.length);
  const behind = apis.filter(({ link }) => link.keys <= link.newestKey);
  return [
    ...expected.filter((each) => !actual.has(each)).map((each) => `never occurred: ${each}`),
    ...unaffected.map(({ name }) => `${name} did not try to fetch keys during the last outage`),
    ...behind.map(({ name }) => `${name} did not fetch the newest keys after the last outage`),
    ...(fetches > seconds * MAX_FETCHES_PER_SECOND ? ["the APIs sent too many requests to the issuer"] : []),
  ];
}
