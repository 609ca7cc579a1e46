import { keyMembers, profiles } from "@certbound/core/internal";
import { claimOf, type Facts } from "../causes/cause.ts";
import { scopesOf, timeText } from "../causes/claim-causes.ts";
import { secondKey } from "../causes/confirmation-causes.ts";
import { keyIds } from "../causes/key-causes.ts";
import { acceptedTypes } from "../causes/token-causes.ts";
import { nameText, printable, printableValue, validityText } from "../rendering/printable.ts";
import type { StepName } from "./steps.ts";

/** The expected and the actual value of a step. Values from the token are escaped. */
export interface Comparison {
  readonly expected?: string;
  readonly seen?: string;
}

/** The comparison of each step. Never contains the token, its signature or a key. */
export const comparisons: Readonly<Record<StepName, (facts: Facts) => Comparison>> = {
  token: ({ token }) => ({
    expected: "a signed JWT: three base64url parts, separated by periods",
    seen: `${token.text.length} characters, ${counted(token.text.split(".").length, "part")}`,
  }),
  algorithm: ({ token, rules }) => ({
    expected:
      (rules.algorithms ?? (rules.profile && profiles[rules.profile].algorithms))?.join(", ") ??
      "any asymmetric algorithm: RS, PS, ES, EdDSA, ML-DSA",
    seen: printableValue(token.header?.["alg"]),
  }),
  type: (facts) => ({ expected: acceptedTypes(facts), seen: printableValue(facts.token.header?.["typ"]) }),
  issuer: (facts) => ({ expected: printableValue(facts.rules.issuer), seen: printableValue(claimOf(facts, "iss")) }),
  audience: (facts) => ({
    expected: facts.rules.audience === null ? "any" : printableValue(facts.rules.audience),
    seen: printableValue(claimOf(facts, "aud")),
  }),
  time: (facts) => ({
    expected: `valid at ${timeText(facts.now)}`,
    seen: ["iat", "nbf", "exp"]
      .filter((name) => claimOf(facts, name) !== undefined)
      .map((name) => `${name} ${timeText(claimOf(facts, name))}`)
      .join(", "),
  }),
  claims: () => ({}),
  certificate: ({ presented: { x509, thumbprint, source } }) => ({
    expected: "a client certificate",
    seen: [
      printable(source),
      ...(x509 === undefined
        ? []
        : [nameText(x509, "subject"), `valid until ${validityText(x509, "validTo").replace(".000Z", "Z")}`]),
      ...(thumbprint === undefined ? [] : [`x5t#S256 ${thumbprint}`]),
    ].join("; "),
  }),
  binding: (facts) => ({
    expected: `cnf.x5t#S256 is ${facts.presented.thumbprint ?? "the thumbprint of the certificate"}${noSecondKey(facts)}`,
    seen: `cnf ${confirmationText(claimOf(facts, "cnf"))}`,
  }),
  keys: ({ token, rules, keys }) => ({
    expected: `a key with kid ${printableValue(token.header?.["kid"])} for ${printableValue(token.header?.["alg"])}`,
    seen:
      keys === undefined
        ? "no keys"
        : `${counted(keys.keys.length, "key")} ${typeof rules.jwks === "object" ? "in the file" : "published"}, kid ${printableValue(keyIds(keys))}`,
  }),
  signature: () => ({}),
  requirements: (facts) =>
    facts.rules.scopes.length === 0
      ? {}
      : {
          expected: facts.rules.scopes.map(printable).join(" "),
          seen: printable(scopesOf(facts).join(" ")) || "no scopes",
        },
};

function noSecondKey(facts: Facts): string {
  if (secondKey(facts) === undefined) return "";
  return `, and cnf has no ${keyMembers.slice(0, -1).join(", ")} or ${keyMembers.at(-1)}`;
}

/** Formats `cnf`: shows thumbprints, but no keys. Lists at most eight members, and first those that core checks. */
function confirmationText(confirmation: unknown): string {
  if (typeof confirmation !== "object" || confirmation === null) return printableValue(confirmation);
  const checked = new Set<string>(["x5t#S256", ...keyMembers]);
  const entries = Object.entries(confirmation);
  const ordered = [...entries.filter(([name]) => checked.has(name)), ...entries.filter(([name]) => !checked.has(name))];
  const members = ordered.map(([name, value]: [string, unknown]) =>
    /^(?:x5t|jkt$)/i.test(name) ? `${printable(name)} ${printableValue(value)}` : printable(name),
  );
  return members.length === 0 ? "{}" : members.slice(0, 8).join(", ");
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
