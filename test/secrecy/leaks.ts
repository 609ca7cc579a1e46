import { inspect } from "node:util";

/** What must not be seen, by the names that a failing test shows. */
export type Secrets = Readonly<Record<string, string | Uint8Array>>;

/** Finds secrets in texts, in whatever form. */
export type FindLeaks = (text: string) => readonly string[];

/** Prepares the search for secrets: as they are, in hexadecimal digits, base64, and escaped, in upper and lower case. */
export function findLeaksOf(secrets: Secrets): FindLeaks {
  const forms = Object.entries(secrets).map(([name, secret]) => [name, formsOf(Buffer.from(secret))] as const);
  return (text) => {
    const lower = text.toLowerCase();
    return forms.filter(([, variants]) => variants.some((variant) => lower.includes(variant))).map(([name]) => name);
  };
}

/** Everything that a value can show, to a log or to whoever holds it; of an error, its causes as well. */
export function everythingOf(value: unknown): string {
  const own = value instanceof Object ? Reflect.ownKeys(value).map((key) => String(Reflect.get(value, key))) : [];
  const shown = inspect(value, { depth: 10, showHidden: true });
  const error = value instanceof Error ? [value.message, value.stack, everythingOf(value.cause)] : [];
  return [String(value), JSON.stringify(value), shown, ...own, ...error].join("\n");
}

/** In lower case, as the texts are. */
function formsOf(secret: Buffer): readonly string[] {
  const text = secret.toString();
  const hexadecimal = secret.toString("hex");
  const forms = [
    text,
    JSON.stringify(text).slice(1, -1),
    encodeURIComponent(text),
    encodeURI(text),
    hexadecimal,
    hexadecimal.replaceAll(/..(?=.)/g, "$&:"),
    ...[0, 1, 2].flatMap((offset) => withinBase64(secret, offset)),
  ];
  return [...new Set(forms.map((form) => form.toLowerCase()))];
}

/** What is the same in the base64 of every text that has the secret in it, so many bytes from a multiple of three. */
function withinBase64(secret: Buffer, offset: number): readonly string[] {
  const padded = Buffer.concat([Buffer.alloc(offset), secret]);
  const end = Math.floor(padded.length / 3) * 4;
  return (["base64", "base64url"] as const).map((form) => padded.toString(form).slice(offset === 0 ? 0 : 4, end));
}
