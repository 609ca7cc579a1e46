/**
 * Returns the anchor of a heading, as GitHub creates it.
 *
 * @param {string} heading
 */
export function githubSlug(heading) {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replaceAll(" ", "-");
}
