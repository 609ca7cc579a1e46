import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { pages } from "../../tools/check-snippets.mjs";

/** Lists the servers of a configuration that verify client certificates and resume TLS sessions. */
function resumingServers(configuration: string): string[] {
  return [...nginxServers(configuration), ...apacheHosts(configuration), ...haproxyListeners(configuration)];
}

function nginxServers(configuration: string): string[] {
  return configuration
    .split(/^\s*server\s*\{/m)
    .slice(1)
    .filter((server) => has(server, /^\s*ssl_verify_client (?!off)/m))
    .filter((server) => !has(server, /\bssl_session_cache off;/) || !has(server, /\bssl_session_tickets off;/));
}

function apacheHosts(configuration: string): string[] {
  const [globals = "", ...hosts] = configuration.split(/^\s*<VirtualHost\b/m);
  const caches = [...configuration.matchAll(/^\s*SSLSessionCache .*/gm)];
  const hasCache = caches.length !== 1 || !has(globals, /^\s*SSLSessionCache none$/m);
  return hosts
    .filter((host) => has(host, /^\s*SSLVerifyClient (?!none)/m))
    .filter((host) => hasCache || !has(host, /^\s*SSLSessionTickets off$/m));
}

function haproxyListeners(configuration: string): string[] {
  const hasCache = !has(configuration, /^\s*tune\.ssl\.cachesize 0$/m);
  return configuration
    .split("\n")
    .filter((line) => has(line, /^\s*bind\b.* verify (?!none)/))
    .filter((line) => hasCache || !has(line, / no-tls-tickets\b/));
}

/** Checks whether a configuration contains a directive outside comments. */
function has(configuration: string, directive: RegExp): boolean {
  return directive.test(configuration.replaceAll(/^\s*#.*/gm, ""));
}

const codeBlocksOf = (page: string): string[] =>
  [...page.matchAll(/^ *```\w*\n([\s\S]*?)^ *```$/gm)].map(([, code = ""]) => code);

const files = ["examples", "test/proxies/configs"].flatMap((folder) =>
  readdirSync(folder, { encoding: "utf8", recursive: true })
    .filter((file) => /\.(?:conf|cfg)$/.test(file) && !file.includes("node_modules"))
    .map((file) => join(folder, file)),
);
const sources: readonly (readonly [string, readonly string[]])[] = [
  ...pages().map((page) => [page, codeBlocksOf(readFileSync(page, "utf8"))] as const),
  ...files.map((file) => [file, [readFileSync(file, "utf8")]] as const),
];
const requesting = /^\s*ssl_verify_client |^\s*SSLVerifyClient |^\s*bind\b.* verify /m;
const configurations = sources.filter(([, blocks]) => blocks.some((block) => requesting.test(block)));

test.each(configurations)("the proxies of %s do not resume TLS sessions", (_file, blocks) => {
  expect(blocks.flatMap(resumingServers)).toEqual([]);
});

test("configurations were found in pages, in examples and in tests", () => {
  expect(configurations.map(([file]) => file)).toEqual(
    expect.arrayContaining([
      "docs/behind-a-proxy.md",
      "examples/behind-nginx/nginx.conf",
      "test/proxies/configs/apache.conf",
      "test/proxies/configs/haproxy.cfg",
    ]),
  );
});

describe("a server that verifies client certificates", () => {
  const nginx = (lines: string): string => `server {\n  ssl_verify_client optional;\n  ${lines}\n}\n`;
  const apache = (lines: string): string => `<VirtualHost *>\n  SSLVerifyClient optional\n  ${lines}\n</VirtualHost>\n`;
  const haproxy = (options: string): string => `frontend a\n  bind :1 ssl ${options} verify optional\n`;

  test.each([
    ["nginx", nginx("ssl_session_cache off;\n  ssl_session_tickets off;")],
    ["Apache httpd", `SSLSessionCache none\n${apache("SSLSessionTickets off")}`],
    ["HAProxy", `global\n  tune.ssl.cachesize 0\n${haproxy("no-tls-tickets")}`],
  ])("does not resume sessions: %s", (_name, configuration) => {
    expect(resumingServers(configuration)).toEqual([]);
  });

  test.each([
    ["nginx without either line", nginx("")],
    ["nginx with its cache off", nginx("ssl_session_cache off;")],
    ["nginx with its tickets off", nginx("ssl_session_tickets off;")],
    ["nginx with comments only", nginx("ssl_session_cache off;\n  # ssl_session_tickets off;")],
    ["nginx, at another server", `${nginx("")}server {\n  ssl_session_cache off;\n  ssl_session_tickets off;\n}\n`],
    ["Apache httpd with tickets off", apache("SSLSessionTickets off")],
    ["Apache httpd without a cache", `SSLSessionCache none\n${apache("")}`],
    [
      "Apache httpd after another cache",
      `SSLSessionCache shmcb:a\nSSLSessionCache none\n${apache("SSLSessionTickets off")}`,
    ],
    ["HAProxy with its cache", haproxy("no-tls-tickets")],
    ["HAProxy with tickets", `global\n  tune.ssl.cachesize 0\n${haproxy("crt a")}`],
  ])("is found if it resumes sessions: %s", (_name, configuration) => {
    expect(resumingServers(configuration)).toHaveLength(1);
  });
});
