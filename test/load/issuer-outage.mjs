// One minute of load on two APIs whose issuer is down for half of it: `npm run load`. Prints what came of it, and exits
// with 1 when an answer was wrong, a right one never came, or the issuer was asked too often.
//   npm run load -- --seconds 25    the first outage alone

import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { isWrong, printAnswers } from "./report.mjs";
import { sendRequests } from "./requests.mjs";
import { createStage } from "./stage.mjs";

/**
 * In seconds. An API looks for a key that it does not have 10 s after the last success, and 1, 2, 4 ... s after failures:
 * with these times it fails during each outage, and succeeds before the next one.
 *
 * @type {{ from: number, to: number, outage: import("./issuer.mjs").Outage }[]}
 */
const OUTAGES = [
  { from: 6, to: 16, outage: "killed" },
  { from: 25, to: 35, outage: "stopped" },
  { from: 41, to: 51, outage: "killed" },
];
const RECOVERY = 9;
/** Of both APIs to the issuer. Without the cool-down or the back-off, each request with an unknown key would make some. */
const MAX_FETCHES_PER_SECOND = 1;
/** For all but the load, in seconds. */
const SPARE_TIME = 60;

const { values: options } = parseArgs({ options: { seconds: { type: "string", default: "60" } } });
const seconds = Number(options.seconds);
const outages = OUTAGES.filter(({ to }) => to + RECOVERY <= seconds);
if (outages.length === 0) throw new RangeError("--seconds must be 25 at least: an outage, and what comes after it");

for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));
const timeLimit = setTimeout(
  () => {
    console.error("the load does not end");
    process.exit(1);
  },
  (seconds + SPARE_TIME) * 1000,
);

const stage = await createStage(outages.length);
const { issuer, apis, kinds, newKeys, ca } = stage;
/** @type {import("./requests.mjs").Recording} */
const recording = { phase: "up", answers: [], ended: false };
await Promise.all([
  runOutages().finally(() => {
    recording.ended = true;
  }),
  ...apis.flatMap((api) => kinds.map((kind) => sendRequests({ api, kind, ca }, recording))),
]);
await stage.close();
clearTimeout(timeLimit);

printAnswers(recording.answers);
const fetches = apis.reduce((sum, { link }) => sum + link.tried, 0);
console.log(`\nthe APIs made ${fetches} requests to the issuer, which got ${issuer.asked}`);
const wrong = recording.answers.filter(isWrong).length;
const problems = listProblems();
for (const problem of problems) console.log(`problem: ${problem}`);
console.log(`${recording.answers.length} answers, ${wrong} wrong`);
process.exitCode = wrong === 0 && problems.length === 0 ? 0 : 1;

/** Takes the issuer down and brings it back, by the table. */
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

/** Lists what is wrong with the run as a whole. */
function listProblems() {
  const given = new Set(recording.answers.map(({ api, kind, answer }) => `${api.name}, ${kind.name}: ${answer}`));
  const expected = apis.flatMap((api) =>
    kinds.flatMap((kind) => kind.answers.map((answer) => `${api.name}, ${kind.name}: ${answer}`)),
  );
  const unaffected = apis.filter(({ link }) => link.newestKey < outages.length);
  const behind = apis.filter(({ link }) => link.keys <= link.newestKey);
  return [
    ...expected.filter((each) => !given.has(each)).map((each) => `never answered: ${each}`),
    ...unaffected.map(({ name }) => `${name} did not ask for keys during the last outage`),
    ...behind.map(({ name }) => `${name} did not get the newest keys after the last outage`),
    ...(fetches > seconds * MAX_FETCHES_PER_SECOND ? ["the issuer is asked too often"] : []),
  ];
}
