import { type ConformanceCase, rejects } from "../../conformance-case.ts";

/** Writes a member behind all others, or before them. */
const last = (member: string) => (json: string) => json.replace(/\}$/, `,${member}}`);
const first = (member: string) => (json: string) => json.replace(/^\{/, `{${member},`);

/** Texts of claims that lenient parsers read as the object that they were made of. */
const looseTexts: readonly (readonly [name: string, write: (json: string) => string])[] = [
  ["in an array", (json) => `[${json}]`],
  ["in a JSON string", (json) => JSON.stringify(json)],
  ["before a comment", (json) => `${json}//`],
  ["behind a comment", (json) => `/**/${json}`],
  ["with a comment within", (json) => json.replace(",", ",/**/")],
  ["before a letter", (json) => `${json}x`],
  ["before a brace", (json) => `${json}}`],
  ["before another object", (json) => `${json}{}`],
  ["before a NUL", (json) => `${json}\0`],
  ["without the last brace", (json) => json.slice(0, -1)],
  ["with a comma behind the last member", (json) => json.replace(/\}$/, ",}")],
  ["in single quotes", (json) => json.replaceAll('"', "'")],
  ["with a name without quotes", (json) => json.replace('"sub"', "sub")],
  ["with a number in hexadecimal digits", (json) => last('"note":0x10')(json)],
  ["with a number behind a plus", (json) => last('"note":+1')(json)],
  ["with NaN", (json) => last('"note":NaN')(json)],
  ["with a line break in a string", (json) => last('"note":"a\nb"')(json)],
  ["behind a space that is none in JSON", (json) => `\u00a0${json}`],
];

/** The claims with a note, by the bytes of that note. */
const noted = (...bytes: readonly number[]) => ({
  payloadText: (json: string) =>
    Buffer.concat([Buffer.from(json.replace(/\}$/, ',"note":"')), Buffer.from(bytes), Buffer.from('"}')]),
});

/** The claims in another encoding of Unicode; one in UTF-32 is read as UTF-8 with zeros between. */
const encodings: readonly (readonly [name: string, encode: (json: string) => Buffer])[] = [
  ["UTF-16", (json) => Buffer.from(json, "utf16le")],
  ["UTF-16 behind a byte order mark", (json) => Buffer.from(`\ufeff${json}`, "utf16le")],
  ["big-endian UTF-16 behind a byte order mark", (json) => Buffer.from(`\ufeff${json}`, "utf16le").swap16()],
  ["big-endian UTF-16", (json) => Buffer.from(json, "utf16le").swap16()],
  ["UTF-32", (json) => Buffer.from(Uint32Array.from(json, (character) => character.codePointAt(0) ?? 0).buffer)],
  ["UTF-8 behind a byte order mark", (json) => Buffer.from(`\ufeff${json}`)],
];

export const cases: readonly ConformanceCase[] = [
  rejects(["J-01", "7519-07"], "a token whose last cnf names another certificate, whatever the first one names", {
    accepted: {
      token: ({ token, other }) => token({ payloadText: first(`"cnf":{"x5t#S256":"${other.thumbprint}"}`) }),
    },
    rejected: {
      token: ({ token, other }) => token({ payloadText: last(`"cnf":{"x5t#S256":"${other.thumbprint}"}`) }),
    },
    code: "ERR_BINDING_MISMATCH",
  }),
  rejects("J-01", "a header whose last alg is none, whatever the first one is", {
    accepted: { token: ({ token }) => token({ headerText: first('"alg":"none"') }) },
    rejected: { token: ({ token }) => token({ headerText: last('"alg":"none"') }) },
    code: "ERR_TOKEN_ALGORITHM",
  }),
  ...looseTexts.map(([name, payloadText]) =>
    rejects("J-02", `claims ${name}`, {
      accepted: { token: ({ token }) => token({ payloadText: (json) => `\t${json}\r\n ` }) },
      rejected: { token: ({ token }) => token({ payloadText }) },
      code: "ERR_TOKEN_MALFORMED",
    }),
  ),
  ...(
    [
      ["a lone byte", [0xff]],
      ["a character of Latin-1", [0xe9]],
      ["a character that is cut off", [0xe2, 0x82]],
      ["an overlong quote", [0xc0, 0xa2]],
      ["half of a surrogate pair", [0xed, 0xa0, 0x80]],
      ["a surrogate pair", [0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80]],
      ["a character beyond Unicode", [0xf4, 0x90, 0x80, 0x80]],
    ] as const
  ).map(([name, bytes]) =>
    rejects(["J-03", "8725-05"], `claims with ${name} that is no UTF-8`, {
      accepted: { token: ({ token }) => token(noted(0xc3, 0xa9, 0xf0, 0x9f, 0x98, 0x80)) },
      rejected: { token: ({ token }) => token(noted(...bytes)) },
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
