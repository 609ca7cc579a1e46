/** What a text, or an attack on other validators, demands of this project. */
export interface Requirement {
  readonly id: string;
  /** One sentence in our own words; of an attack, what is attempted. */
  readonly requirement: string;
  /** Where it comes from: a section, or where it has gone wrong. */
  readonly source: string;
  readonly level: "MUST" | "SHOULD" | "MAY" | "attack";
  /** true, or why it is not for an API that uses certbound to fulfil by it. */
  readonly applies: true | string;
}
