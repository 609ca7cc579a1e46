import { createIssuer } from "@certbound/testing";
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/**
 * @typedef {import("node:child_process").ChildProcess} ChildProcess
 * @typedef {import("./issuer-process.mjs").Notice} Notice
 * @typedef {"killed" | "stopped"} Outage killed: connections are refused; stopped: they are accepted, without a response
 * @typedef {Awaited<ReturnType<typeof createSigner>>} Signer
 */

/** An issuer that can go down and come back with the same port and keys. Keys can be added. */
export class Issuer {
  /** The number of published keys, including keys that are published when it comes back. */
  published = 0;
  /** The number of requests received. */
  requests = 0;

  #port = 0;
  /** @type {object[]} */
  #keys = [];
  /** @type {ChildProcess | undefined} */
  #process;
  #onPublished = () => {};

  get url() {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Starts the process, or starts it again. */
  async start() {
    const child = fork(fileURLToPath(new URL("issuer-process.mjs", import.meta.url)));
    this.#process = child;
    child.on("message", (/** @type {Notice} */ notice) => this.#handle(notice));
    child.once("exit", (code, signal) => {
      if (signal !== "SIGKILL") throw new Error(`the issuer exited unexpectedly: ${signal ?? code}`);
    });
    await this.#send(child);
  }

  /**
   * Publishes one more key. Resolves when it is published.
   *
   * @param {object} key a public JWK
   */
  async publish(key) {
    this.#keys.push(key);
    if (this.#process !== undefined) await this.#send(this.#process);
    this.published = this.#keys.length;
  }

  /** @param {Outage} outage */
  async goDown(outage) {
    if (outage === "killed") await this.end();
    else this.#process?.kill("SIGSTOP");
  }

  async comeBack() {
    if (this.#process === undefined) await this.start();
    else this.#process.kill("SIGCONT");
  }

  /** Kills the process, stopped or not. */
  async end() {
    const child = this.#process;
    this.#process = undefined;
    if (child?.kill("SIGKILL")) await once(child, "exit");
  }

  /** @param {ChildProcess} child */
  async #send(child) {
    await new Promise((resolve) => {
      this.#onPublished = () => resolve(undefined);
      child.send({ port: this.#port, keys: this.#keys });
    });
  }

  /** @param {Notice} notice */
  #handle(notice) {
    if ("request" in notice) {
      this.requests += 1;
    } else {
      this.#port = notice.port;
      this.#onPublished();
    }
  }
}

/**
 * Creates a signing key of an issuer: the public key to publish, and a function that issues tokens.
 *
 * @param {string} issuer
 */
export async function createSigner(issuer) {
  const { jwks, audience, accessToken, close } = await createIssuer({ issuer });
  // The server is not needed, because the issuer runs in another process.
  await close();
  const [key = {}] = jwks.keys;
  return { key, audience, accessToken };
}
