import { type ConformanceCase, rejects } from "../../conformance-case.ts";

/** Adds a member after all others, or before them. */
const last = (member: string) => (json: string) => json.replace(/\}$/, `,${member}}`);
const first = (member: string) => (json: string) => json.replace(/^\{/, `{${member},`);

/** Texts that lenient parsers accept as the claims. */
const lenientTexts: readonly (readonly [name: string, write: (json: string) => string])[] = [
  ["in an array", (json) => `[${json}]`],
  ["in a JSON string", (json) => JSON.stringify(json)],
  ["followed by a comment", (json) => `${json}//`],
  ["after a comment", (json) => `/**/${json}`],
  ["with a comment inside", (json) => json.replace(",", ",/**/")],
  ["followed by a letter", (json) => `${json}x`],
  ["followed by a brace", (json) => `${json}}`],
  ["followed by another object", (json) => `${json}{}`],
  ["followed by a NUL", (json) => `${json}\0`],
  ["without the last brace", (json) => json.slice(0, -1)],
  ["with a comma after the last member", (json) => json.replace(/\}$/, ",}")],
  ["in single quotes", (json) => json.replaceAll('"', "'")],
  ["with a name without quotes", (json) => json.replace('"sub"', "sub")],
  ["with a number in hexadecimal digits", (json) => last('"note":0x10')(json)],
  ["with a number after a plus", (json) => last('"note":+1')(json)],
  ["with NaN", (json) => last('"note":NaN')(json)],
  ["with a line break in a string", (json) => last('"note":"a\nb"')(json)],
  ["after a space that JSON does not allow", (json) => `\u00a0${json}`],
];

/** Returns claims with a note of these bytes. */
const withNote = (...bytes: readonly number[]) => ({
  payloadText: (json: string) =>
    Buffer.concat([Buffer.from(json.replace(/\}$/, ',"note":"')), Buffer.from(bytes), Buffer.from('"}')]),
});

/** Other encodings. UTF-32 parses as UTF-8 with zero bytes in between. */
const encodings: readonly (readonly [name: string, encode: (json: string) => Buffer])[] = [
  ["UTF-16", (json) => Buffer.from(json, "utf16le")],
  ["UTF-16 after a byte order mark", (json) => Buffer.from(`\ufeff${json}`, "utf16le")],
  ["big-endian UTF-16 after a byte order mark", (json) => Buffer.from(`\ufeff${json}`, "utf16le").swap16()],
  ["big-endian UTF-16", (json) => Buffer.from(json, "utf16le").swap16()],
  ["UTF-32", (json) => Buffer.from(Uint32Array.from(json, (character) => character.codePointAt(0) ?? 0).buffer)],
  ["UTF-8 after a byte order mark", (json) => Buffer.from(`\ufeff${json}`)],
];

export const cases: readonly ConformanceCase[] = [
  rejects(["J-01", "7519-07"], "a token whose last cnf names another certificate, regardless of the first cnf", {
    accepted: {
      token: ({ token, other }) => token({ payloadText: first(`"cnf":{"x5t#S256":"${other.thumbprint}"}`) }),
    },
    rejected: {
      token: ({ token, other }) => token({ payloadText: last(`"cnf":{"x5t#S256":"${other.thumbprint}"}`) }),
    },
    code: "ERR_BINDING_MISMATCH",
  }),
  rejects("J-01", "a header whose last alg is none, regardless of the first alg", {
    accepted: { token: ({ token }) => token({ headerText: first('"alg":"none"') }) },
    rejected: { token: ({ token }) => token({ headerText: last('"alg":"none"') }) },
    code: "ERR_TOKEN_ALGORITHM",
  }),
  ...lenientTexts.map(([name, payloadText]) =>
    rejects("J-02", `claims ${name}`, {
      accepted: { token: ({ token }) => token({ payloadText: (json) => `\t${json}\r\n ` }) },
      rejected: { token: ({ token }) => token({ payloadText }) },
      code: "ERR_TOKEN_MALFORMED",
    }),
  ),
  ...(
    [
      ["a lone byte", [0xff]],
      ["a Latin-1 character", [0xe9]],
      ["a truncated character", [0xe2, 0x82]],
      ["an overlong quote", [0xc0, 0xa2]],
      ["half of a surrogate pair", [0xed, 0xa0, 0x80]],
      ["a surrogate pair", [0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80]],
      ["a character beyond Unicode", [0xf4, 0x90, 0x80, 0x80]],
    ] as const
  ).map(([name, bytes]) =>
    rejects(["J-03", "8725-05"], `claims with ${name} that is not valid UTF-8`, {
      accepted: { token: ({ token }) => token(withNote(0xc3, 0xa9, 0xf0, 0x9f, 0x98, 0x80)) },
      rejected: { token: ({ token }) => token(withNote(...bytes)) },
      code: "ERR_TOKEN_MALFORMED",
    }),
  ),
  ...encodings.flatMap(([name, encode]) => [
    rejects(["J-03", "8725-05"], `claims in ${name}`, {
      accepted: { token: ({ token }) => token({ payloadText: (json) => Buffer.from(json, "utf8") }) },
      rejected: { token: ({ token }) => token({ payloadText: encode }) },
      code: "ERR_TOKEN_MALFORMED",
    }),
    rejects(["J-03", "8725-05"], `a header in ${name}`, {
      accepted: { token: ({ token }) => token({ headerText: (json) => Buffer.from(json, "utf8") }) },
      rejected: { token: ({ token }) => token({ headerText: encode }) },
      code: "ERR_TOKEN_MALFORMED",
    }),
  ]),
];
