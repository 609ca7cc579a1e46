import { createIssuer } from "@certbound/testing";
import { constants } from "node:crypto";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach } from "vitest";
import { describeWithProgram, type Program, startProgram } from "../helpers/program.ts";
import { type Api, type Framework, startApi } from "./api.ts";
import { type Attempt, type Parties, sendPastProxy, sendThroughProxy } from "./attempt.ts";
import { freePorts } from "./free-ports.ts";
import { type Front, secret } from "./front.ts";
import type { Outcome } from "./outcome.ts";
import { createPki, type Pki } from "./pki.ts";
import { binaryOf, type ProxyName, proxyCommand } from "./proxies.ts";

/** The options of a stage: the proxy, its configuration and the API behind it. */
export interface StageOptions {
  readonly proxy: ProxyName;
  /** The name of the file in `configs`. */
  readonly configuration: string;
  /** Changes the text of the configuration. */
  readonly edit?: (text: string) => string;
  readonly fronts: readonly Front[];
  /** How the API listens. Default: `"port"`. */
  readonly api?: "port" | "tls" | "unix socket";
  readonly maxHeaderSize?: number;
}

/** The front and the framework of a request. */
export interface Route {
  readonly front: Front;
  readonly framework: Framework;
}

/** A proxy in front of an API. */
export interface Stage {
  readonly pki: Pki;
  /** Sends a request through the proxy. */
  readonly send: (route: Route, attempt: Attempt) => Promise<Outcome>;
  /** Sends a request directly to a port of the API. */
  readonly sendDirectly: (route: Route, attempt: Attempt) => Promise<Outcome>;
}

/** A running proxy, and the ports of its listeners. */
export interface RunningProxy {
  readonly proxy: Program;
  readonly ports: Readonly<Record<Front["listener"], number>>;
}

/** Groups tests that need a proxy, and creates their stage. */
export function describeProxy(options: StageOptions, tests: (stage: () => Stage) => void): void {
  const { proxy, configuration } = options;
  describeWithProgram(binaryOf(proxy), `${proxy}, ${configuration}`, () => tests(useStage(options)));
}

interface RunningStage extends Stage {
  /** The output of the proxy. */
  readonly log: () => string;
  readonly end: () => Promise<void>;
}

/** Creates a stage before the tests of the surrounding group, and closes it after them. */
function useStage(options: StageOptions): () => Stage {
  let stage: RunningStage | undefined;
  beforeAll(async () => {
    stage = await createStage(options);
  });
  afterAll(() => stage?.end());
  beforeEach(({ onTestFailed }) => {
    onTestFailed(() => console.error(stage?.log()));
  });
  return () => {
    if (stage === undefined) throw new Error("the stage is not set up");
    return stage;
  };
}

async function createStage(options: StageOptions): Promise<RunningStage> {
  const pki = await createPki();
  const cleanups: (() => unknown)[] = [pki.remove];
  const end = async (): Promise<void> => {
    for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
  };
  try {
    const issuer = await createIssuer();
    cleanups.push(issuer.close);
    const { direct, behindProxy, socket } = await startApis(options, { pki, issuer, cleanups });
    const values = { API_PORT: new URL(direct.url).port, API_SOCKET: socket, PKI: pki.folder, SECRET: secret.value };
    const { proxy, ports } = await startOnFreePorts(options, { folder: pki.folder, values });
    cleanups.push(proxy.stop);
    return {
      pki,
      send: ({ front, framework }, attempt) => {
        const url = `https://localhost:${ports[front.listener]}/${framework}/${slug(front)}`;
        return withRejection(behindProxy, () => sendThroughProxy(url, attempt, { pki, issuer }));
      },
      sendDirectly: ({ front, framework }, attempt) => {
        const url = `${direct.url}/${framework}/${slug(front)}`;
        return withRejection(direct, () => sendPastProxy(url, attempt, { pki, issuer }));
      },
      log: proxy.output,
      end,
    };
  } catch (error) {
    await end();
    throw error;
  }
}

/** Starts the API behind the proxy, and an API that clients can reach directly; usually both are the same. */
async function startApis(
  { fronts, api = "port", maxHeaderSize }: StageOptions,
  { pki, issuer, cleanups }: Parties & { readonly cleanups: (() => unknown)[] },
): Promise<{ readonly direct: Api; readonly behindProxy: Api; readonly socket: string }> {
  const forwardings = Object.fromEntries(
    fronts.map((front) => [slug(front), { format: front.format, trust: front.trust(pki) }]),
  );
  const settings = { issuer, forwardings, maxHeaderSize };
  // The API requests a certificate from the proxy, and identifies it by its thumbprint instead of its chain.
  const { key, certificate: cert } = pki.server;
  const secureOptions = constants.SSL_OP_NO_RENEGOTIATION;
  const tls = { key, cert, requestCert: true, rejectUnauthorized: false, secureOptions };
  const direct = await startApi({ ...settings, ...(api === "tls" && { tls }) });
  cleanups.push(direct.close);
  const socket = join(pki.folder, "api.sock");
  if (api !== "unix socket") return { direct, behindProxy: direct, socket };
  const behindProxy = await startApi({ ...settings, socket });
  cleanups.push(behindProxy.close);
  return { direct, behindProxy, socket };
}

/** Starts a proxy. Tries again with other ports if it does not start, because another process may have taken the ports. */
export async function startOnFreePorts(
  options: Pick<StageOptions, "proxy" | "configuration" | "edit"> & {
    readonly fronts: readonly Pick<Front, "listener">[];
  },
  site: { readonly folder: string; readonly values: Readonly<Record<string, string>> },
  attempts = 3,
): Promise<RunningProxy> {
  const { proxy: name, configuration, edit, fronts } = options;
  const [verified = 0, any = 0] = await freePorts(2);
  const ports = { VERIFIED_PORT: verified, ANY_PORT: any };
  const listening = new Set(fronts.map(({ listener }) => ports[listener]));
  const listeners = [...listening].map((port) => ({ port, host: "127.0.0.1" }));
  const values = { ...site.values, ...ports };
  try {
    const command = proxyCommand(name, { folder: site.folder, configuration, values, edit });
    return { proxy: await startProgram(command, listeners), ports };
  } catch (error) {
    if (attempts === 1) throw error;
    return startOnFreePorts(options, site, attempts - 1);
  }
}

async function withRejection(api: Api, send: () => Promise<Omit<Outcome, "code">>): Promise<Outcome> {
  api.clearRejection();
  const response = await send();
  return { ...response, code: api.lastRejection()?.code };
}

/** Returns the route name of a front. */
function slug({ name }: Front): string {
  return name.replaceAll(/\W+/g, "-");
}
