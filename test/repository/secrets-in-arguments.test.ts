import { readFileSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";

// The arguments of a command are visible to all users of the machine, and stay in the history of a shell.
const rules: readonly (readonly [string, RegExp])[] = [
  ["a header with a token or a secret", /(?:-H|--header)[ =]["'][\w-]*(?:authorization|secret|token|key)[\w-]*:/i],
  [
    "a header with a token or a secret, in a list",
    /["'`](?:-H|--header)["'`], *["'`][\w-]*(?:authorization|secret)[\w-]*:/i,
  ],
  ["a header from a variable", /(?:-H|--header)[ =]["']?\$/],
  ["a header made of a file", /Authorization: *\w* *(?:\$\(|\$[A-Za-z_])/i],
  ["a file with a token or a secret", /\$\((?:cat |<) *\S*(?:token|secret|passw|-key)/i],
  ["a variable with a token or a secret", /--?(?:token|secret|password|oauth2-bearer)[ =]["']?(?:\$|[\w-]{24})/i],
  ["a token after --oauth2-bearer", /--oauth2-bearer/],
  ["a password", /\bpass:\S|(?:--pass|--proxy-pass|-W) +[\w$"']/],
  ["a password with a user or a certificate", /(?:--user|--proxy-user|--cert|-u|-E) +["']?[\w.-]+:\S/],
  ["a client secret", /(?:-d|--data\S*)[ =]["']?\S*client_secret=/],
];

/** Lists the lines that show a command with a token, a secret or a password among its arguments. */
function secretsIn(text: string): string[] {
  return text
    .split("\n")
    .flatMap((line) => rules.filter(([, pattern]) => pattern.test(line)).map(([what]) => `${what}: ${line.trim()}`));
}

const copied = /\.(?:md|sh|ya?ml|conf)$|^examples\/.*\.m?js$|^test\/guides\/.*\.js$|^\.ci\//;
const files = execFileSync("git", ["ls-files"], { encoding: "utf8" })
  .split("\n")
  .filter((file) => copied.test(file));

test.each(files)("no command in %s has a token or a secret among its arguments", (file) => {
  expect(secretsIn(readFileSync(file, "utf8"))).toEqual([]);
});

test("pages, scripts and examples were found", () => {
  expect(files).toEqual(
    expect.arrayContaining([
      "README.md",
      "docs/quick-start.md",
      "examples/openssl-curl/8-calls.sh",
      "examples/demo/serve.js",
    ]),
  );
});

describe("a command", () => {
  test.each([
    'curl -H "Authorization: Bearer $TOKEN" https://localhost',
    "curl --header 'authorization: DPoP abc' https://localhost",
    'curl -H "$bearer" https://localhost',
    'curl -H "x-proxy-secret: abc" https://localhost',
    'bearer="Authorization: Bearer $(cat token)"',
    'run("curl", ["-H", `Authorization: Bearer ${token}`]);',
    "node -p 'process.argv[1]' \"$(cat token)\"",
    'node -p "1" "$(< token.txt)"',
    'certbound explain --token "$TOKEN"',
    "curl --oauth2-bearer abc https://localhost",
    "openssl pkcs12 -export -in client.pem -passout pass:abc",
    "pk12util -i client.p12 -W abc",
    "curl --cert client.pem:password https://localhost",
    "curl --user client:secret https://localhost",
    "curl -d grant_type=client_credentials -d client_secret=abc https://localhost",
  ])("shows a secret: %s", (line) => {
    expect(secretsIn(line)).not.toEqual([]);
  });

  test.each([
    "curl -H @authorization https://localhost",
    "curl --config - https://localhost < curl.conf",
    "{ printf 'Authorization: Bearer '; cat token; } > authorization",
    'run("curl", ["-H", "@authorization"]);',
    "node -p 'fs.readFileSync(0, \"utf8\")' < token",
    "certbound explain --token token.txt --cert client.pem --key client-key.pem",
    "certbound explain --token - < token",
    'certbound explain --header "ssl-client-cert: $CERT"',
    "openssl pkcs12 -export -in client.pem -passout file:password",
    "curl --cert client.pem --key client-key.pem https://localhost",
    "ISSUER=$(cat issuer.txt) node server.js",
    "send `Authorization: Bearer <token>`",
  ])("shows none: %s", (line) => {
    expect(secretsIn(line)).toEqual([]);
  });
});
