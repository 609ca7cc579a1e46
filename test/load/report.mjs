/**
 * @typedef {import("./requests.mjs").RecordedResponse} RecordedResponse
 * @typedef {[name: string, measure: (responses: RecordedResponse[]) => number][]} Rows
 */

const EXAMPLES = 10;

/** @param {RecordedResponse} response */
export const isWrong = ({ outcome, allowed }) => !allowed.includes(outcome);

/**
 * Prints the responses per kind of request and per phase, and examples of wrong ones with the allowed responses.
 *
 * @param {RecordedResponse[]} responses
 */
export function printResponses(responses) {
  const distinct = [...new Set(responses.map(({ outcome }) => outcome))].toSorted();
  /** @type {Rows} */
  const counts = [
    ["requests", (group) => group.length],
    ...distinct.map((outcome) => /** @type {Rows[number]} */ ([outcome, (group) => count(group, outcome)])),
    ["wrong", (group) => group.filter(isWrong).length],
  ];
  printTable(responses, ({ kind }) => kind.name, counts);
  printTable(responses, ({ phase }) => phase, [
    ...counts,
    ["known key, p50 in ms", (group) => knownKeyLatency(group, 0.5)],
    ["known key, p99 in ms", (group) => knownKeyLatency(group, 0.99)],
  ]);
  for (const { phase, api, kind, outcome, allowed } of responses.filter(isWrong).slice(0, EXAMPLES)) {
    console.log(`wrong: ${phase}, ${api.name}, ${kind.name}: ${outcome}; allowed: ${allowed.join(", ") || "nothing"}`);
  }
}

/** @param {RecordedResponse[]} responses @param {string} outcome */
function count(responses, outcome) {
  return responses.filter((response) => response.outcome === outcome).length;
}

/** @param {RecordedResponse[]} responses @param {number} part */
function knownKeyLatency(responses, part) {
  const known = responses.filter(({ kind }) => kind.name === "known key").map(({ took }) => took);
  return Math.round(known.toSorted((a, b) => a - b)[Math.floor(part * (known.length - 1))] ?? 0);
}

/**
 * Prints a column for each group, in the order of their first responses.
 *
 * @param {RecordedResponse[]} responses
 * @param {(response: RecordedResponse) => string} groupOf
 * @param {Rows} rows
 */
function printTable(responses, groupOf, rows) {
  const groups = [...new Set(responses.map(groupOf))];
  const width = Math.max(...rows.map(([name]) => name.length));
  const printRow = (/** @type {string} */ name, /** @type {(group: string) => string} */ cell) =>
    console.log(name.padEnd(width), ...groups.map((group) => cell(group).padStart(Math.max(group.length, 5) + 1)));
  console.log("");
  printRow("", (group) => group);
  for (const [name, measure] of rows) {
    printRow(name, (group) => String(measure(responses.filter((response) => groupOf(response) === group))));
  }
}
