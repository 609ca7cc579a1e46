// Prints tables of the measurements, with each target marked as met or missed.

/**
 * @typedef {object} Row
 * @property {string} name
 * @property {number} [microseconds] CPU time per call
 * @property {number} [ratio] the cost relative to the first row, as the median of the rounds
 * @property {number} [low] its 10 % quantile
 * @property {number} [high] its 90 % quantile
 * @property {number} [measured] the value that is compared with the target, if it is not the ratio
 * @property {string} [note]
 * @property {number | undefined} [atMost]
 * @property {number | undefined} [atLeast]
 */

/** @typedef {{ readonly title: string, readonly rows: readonly Row[] }} Table */

/** @param {Row} row @returns {boolean | undefined} undefined without a target */
export function isMet({ ratio, measured = ratio, atMost, atLeast }) {
  if (measured === undefined || (atMost === undefined && atLeast === undefined)) return undefined;
  return measured <= (atMost ?? Number.POSITIVE_INFINITY) && measured >= (atLeast ?? Number.NEGATIVE_INFINITY);
}

/** @param {Table} table */
export function print({ title, rows }) {
  console.log(`\n${title}`);
  const width = Math.max(...rows.map(({ name }) => name.length));
  for (const row of rows) {
    const { name, microseconds, ratio, low = ratio, high = ratio, atMost, atLeast, note = "" } = row;
    const cost = microseconds === undefined ? "" : `${microseconds.toFixed(2)} us`;
    const ratios = ratio === undefined ? "" : `${format(ratio)} (${format(low)} to ${format(high)})`;
    const met = isMet(row);
    const target = atMost === undefined ? `at least ${atLeast}` : `at most ${atMost}`;
    const verdict = met === undefined ? "" : `${met ? "met" : "MISSED"}: ${target}`;
    console.log(`  ${name.padEnd(width)}  ${cost.padStart(12)}  ${ratios.padEnd(26)}  ${verdict} ${note}`.trimEnd());
  }
}

/** @param {number | undefined} ratio */
function format(ratio = Number.NaN) {
  return ratio.toPrecision(3);
}
