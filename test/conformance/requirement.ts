/** A requirement of a standard, or a known attack on validators of tokens. */
export interface Requirement {
  readonly id: string;
  /** One statement of what the standard requires, or of what the attack attempts. */
  readonly requirement: string;
  /** The section of the standard, or for an attack a known vulnerability. */
  readonly source: string;
  readonly level: "MUST" | "SHOULD" | "MAY" | "attack";
  /** `true`, or the reason why certbound cannot fulfil it for the API. */
  readonly applies: true | string;
}
