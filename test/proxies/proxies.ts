import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "../helpers/program.ts";
import { renderConfiguration } from "./render-configuration.ts";

/** The proxies that the tests can start. */
export type ProxyName = "nginx" | "HAProxy" | "Apache httpd" | "Caddy";

interface ProxyProgram {
  readonly binary: string;
  /** Returns the command-line arguments for a configuration file, with a working folder. */
  readonly args: (folder: string, configuration: string) => readonly string[];
}

/** The arguments keep each server in one foreground process, which the configurations do not. */
const programs: Readonly<Record<ProxyName, ProxyProgram>> = {
  nginx: { binary: "nginx", args: nginxArgs },
  HAProxy: { binary: "haproxy", args: (_folder, configuration) => ["-db", "-f", configuration] },
  "Apache httpd": { binary: "apache2", args: apacheArgs },
  Caddy: {
    binary: "caddy",
    args: (_folder, configuration) => ["run", "--config", configuration, "--adapter", "caddyfile"],
  },
};

/** Returns the name of a proxy's binary. */
export function binaryOf(name: ProxyName): string {
  return programs[name].binary;
}

/** Writes the configuration of a proxy into a folder, and returns the command that starts the proxy. */
export function proxyCommand(
  name: ProxyName,
  options: {
    readonly folder: string;
    readonly configuration: string;
    readonly values: Readonly<Record<string, string | number>>;
    /** Changes the text of the configuration. */
    readonly edit?: ((text: string) => string) | undefined;
  },
): Command {
  const { folder, configuration, values, edit = (text) => text } = options;
  const file = join(folder, configuration);
  writeFileSync(file, edit(renderConfiguration(new URL(`configs/${configuration}`, import.meta.url), values)));
  const { binary, args } = programs[name];
  return { binary, args: args(folder, file), folder };
}

/** The configuration is a part of the http block, as in /etc/nginx/conf.d. */
function nginxArgs(folder: string, configuration: string): readonly string[] {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `${name}_temp_path tmp-${name};`,
  );
  const main = join(folder, "main.conf");
  writeFileSync(main, `events {}\nhttp { access_log off; ${temporary.join(" ")} include ${configuration}; }\n`);
  const globals = "daemon off; master_process off; pid nginx.pid;";
  return ["-p", folder, "-e", "stderr", "-c", main, "-g", globals];
}

/** The configuration is a site, as in /etc/apache2/sites-available. */
function apacheArgs(folder: string, configuration: string): readonly string[] {
  const modules = ["mpm_event", "authz_core", "ssl", "headers", "proxy", "proxy_http"];
  const globals = [
    "ServerName localhost",
    "User www-data",
    "Group www-data",
    "PidFile apache.pid",
    `Mutex file:${folder}`,
    "DefaultRuntimeDir .",
    "ErrorLog /dev/stderr",
    ...modules.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`),
  ];
  return ["-X", "-d", folder, ...globals.flatMap((directive) => ["-C", directive]), "-f", configuration];
}
