import { inspect } from "node:util";

/** Secrets by the names that a failing test shows. */
export type Secrets = Readonly<Record<string, string | Uint8Array>>;

/** Returns the names of the secrets that a text contains in any encoding. */
export type FindLeaks = (text: string) => readonly string[];

/** Prepares the search for secrets: verbatim, escaped, hexadecimal and base64, in upper and lower case. */
export function findLeaksOf(secrets: Secrets): FindLeaks {
  const forms = Object.entries(secrets).map(([name, secret]) => [name, formsOf(Buffer.from(secret))] as const);
  return (text) => {
    const lower = text.toLowerCase();
    return forms.filter(([, variants]) => variants.some((variant) => lower.includes(variant))).map(([name]) => name);
  };
}

/** Returns everything that code or a log can see of a value, including the causes of an error. */
export function everythingOf(value: unknown): string {
  const own = value instanceof Object ? Reflect.ownKeys(value).map((key) => String(Reflect.get(value, key))) : [];
  const shown = inspect(value, { depth: 10, showHidden: true });
  const error = value instanceof Error ? [value.message, value.stack, everythingOf(value.cause)] : [];
  return [String(value), JSON.stringify(value), shown, ...own, ...error].join("\n");
}

/** Returns the encodings of a secret in lower case, because the texts are compared in lower case. */
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

/** Returns the base64 that every text has in common if it contains the secret at this offset from a multiple of three. */
function withinBase64(secret: Buffer, offset: number): readonly string[] {
  const padded = Buffer.concat([Buffer.alloc(offset), secret]);
  const end = Math.floor(padded.length / 3) * 4;
  return (["base64", "base64url"] as const).map((form) => padded.toString(form).slice(offset === 0 ? 0 : 4, end));
}
