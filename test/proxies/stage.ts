import { createIssuer } from "@certbound/testing";
import { constants } from "node:crypto";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach } from "vitest";
import { describeWithProgram, type Program, startProgram } from "../helpers/program.ts";
import { type Api, type Framework, startApi } from "./api.ts";
import { type Attempt, type People, sendPastProxy, sendThroughProxy } from "./attempt.ts";
import { freePorts } from "./free-ports.ts";
import { type Front, secret } from "./front.ts";
import type { Outcome } from "./outcome.ts";
import { createPki, type Pki } from "./pki.ts";
import { binaryOf, type ProxyName, proxyCommand } from "./proxies.ts";

/** What is set up for the tests of one configuration. */
export interface StageOptions {
  readonly proxy: ProxyName;
  /** The name of the file in `configs`. */
  readonly configuration: string;
  /** Changes the text of the configuration. */
  readonly edit?: (text: string) => string;
  readonly fronts: readonly Front[];
  /** How the API listens; default `"port"`. */
  readonly api?: "port" | "tls" | "unix socket";
  readonly maxHeaderSize?: number;
}

/** Somebody's way to the API. */
export interface Route {
  readonly front: Front;
  readonly framework: Framework;
}

/** A proxy in front of an API. */
export interface Stage {
  readonly pki: Pki;
  /** Sends a request through the proxy. */
  readonly ask: (route: Route, attempt: Attempt) => Promise<Outcome>;
  /** Sends a request straight to a port of the API. */
  readonly askDirectly: (route: Route, attempt: Attempt) => Promise<Outcome>;
}

/** A proxy that runs, and the ports of its listeners. */
export interface RunningProxy {
  readonly proxy: Program;
  readonly ports: Readonly<Record<Front["listener"], number>>;
}

/** Groups tests that need a proxy, and sets the stage for them. */
export function describeProxy(options: StageOptions, tests: (stage: () => Stage) => void): void {
  const { proxy, configuration } = options;
  describeWithProgram(binaryOf(proxy), `${proxy}, ${configuration}`, () => tests(useStage(options)));
}

interface RunningStage extends Stage {
  /** What the proxy wrote. */
  readonly log: () => string;
  readonly end: () => Promise<void>;
}

/** Sets a stage up before the tests of the surrounding group, and ends it after them. */
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
    if (stage === undefined) throw new Error("The stage is not set up");
    return stage;
  };
}

async function createStage(options: StageOptions): Promise<RunningStage> {
  const pki = await createPki();
  const undo: (() => unknown)[] = [pki.remove];
  const end = async (): Promise<void> => {
    for (const step of undo.splice(0).toReversed()) await step();
  };
  try {
    const issuer = await createIssuer();
    undo.push(issuer.close);
    const { open, behind, socket } = await startApis(options, { pki, issuer, undo });
    const values = { API_PORT: new URL(open.url).port, API_SOCKET: socket, PKI: pki.folder, SECRET: secret.value };
    const { proxy, ports } = await startOnFreePorts(options, { folder: pki.folder, values });
    undo.push(proxy.stop);
    return {
      pki,
      ask: ({ front, framework }, attempt) => {
        const url = `https://localhost:${ports[front.listener]}/${framework}/${slug(front)}`;
        return judgedBy(behind, () => sendThroughProxy(url, attempt, { pki, issuer }));
      },
      askDirectly: ({ front, framework }, attempt) => {
        const url = `${open.url}/${framework}/${slug(front)}`;
        return judgedBy(open, () => sendPastProxy(url, attempt, { pki, issuer }));
      },
      log: proxy.output,
      end,
    };
  } catch (error) {
    await end();
    throw error;
  }
}

/** Starts the API that the proxy talks to, and one that everybody can reach, which mostly is the same. */
async function startApis(
  { fronts, api = "port", maxHeaderSize }: StageOptions,
  { pki, issuer, undo }: People & { readonly undo: (() => unknown)[] },
): Promise<{ readonly open: Api; readonly behind: Api; readonly socket: string }> {
  const forwardings = Object.fromEntries(
    fronts.map((front) => [slug(front), { format: front.format, trust: front.trust(pki) }]),
  );
  const settings = { issuer, forwardings, maxHeaderSize };
  // The API asks the proxy for a certificate, and has no use for its chain.
  const { key, certificate: cert } = pki.server;
  const secureOptions = constants.SSL_OP_NO_RENEGOTIATION;
  const tls = { key, cert, requestCert: true, rejectUnauthorized: false, secureOptions };
  const open = await startApi({ ...settings, ...(api === "tls" && { tls }) });
  undo.push(open.close);
  const socket = join(pki.folder, "api.sock");
  if (api !== "unix socket") return { open, behind: open, socket };
  const behind = await startApi({ ...settings, socket });
  undo.push(behind.close);
  return { open, behind, socket };
}

/** Tries again on other ports when the proxy does not start: somebody else may have taken them in the meantime. */
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

async function judgedBy(api: Api, send: () => Promise<Omit<Outcome, "code">>): Promise<Outcome> {
  api.forgetRejection();
  const answer = await send();
  return { ...answer, code: api.lastRejection()?.code };
}

/** The path of a front. */
function slug({ name }: Front): string {
  return name.replaceAll(/\W+/g, "-");
}
