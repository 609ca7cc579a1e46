/**
 * Lists the reasons why a version cannot be released.
 *
 * @param {{
 *   version: string,
 *   tag?: string | undefined,
 *   changelog: string,
 *   changesets: readonly string[],
 *   repositories: Readonly<Record<string, string | undefined>>,
 *   origin?: string | undefined,
 * }} release `changesets` are the files that `npm run version` has not read. `repositories` are the addresses in the manifests,
 *   by package. `origin` is the address of the repository that publishes, if it is known.
 * @returns {string[]}
 */
export function problemsOf({ version, tag, changelog, changesets, repositories, origin }) {
  const heading = `## [${version}]`;
  const isDescribed = changelog.split("\n").some((line) => line.startsWith(heading));
  const addresses = Object.entries(repositories).map(
    ([name, address]) => /** @type {const} */ ([name, address?.replace(/^git\+/, "").replace(/\.git$/, "")]),
  );
  // npm rejects the provenance of a package whose manifest names another repository, or none.
  const wrong = addresses.filter(([, address]) => address === undefined || address !== (origin ?? address));
  return [
    ...(tag === undefined || tag === `v${version}` ? [] : [`the tag is not v${version}`]),
    ...(isDescribed ? [] : [`CHANGELOG.md has no section "${heading}": npm run version`]),
    ...(changesets.length === 0 ? [] : [`CHANGELOG.md does not include ${changesets.join(", ")}: npm run version`]),
    ...(wrong.length === 0
      ? []
      : [`set repository to ${origin ?? "an address"} in ${wrong.map(([n]) => n).join(", ")}`]),
  ];
}
