import { createIssuer } from "@certbound/testing";
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/**
 * @typedef {import("node:child_process").ChildProcess} ChildProcess
 * @typedef {import("./issuer-process.mjs").Notice} Notice
 * @typedef {"killed" | "stopped"} Outage connections are rejected, or accepted and never answered
 * @typedef {Awaited<ReturnType<typeof createSigner>>} Signer
 */

/** An issuer that can go down. It keeps its port and its keys, and gets new ones. */
export class Issuer {
  /** How many keys it publishes, or will when it is up again. */
  published = 0;
  /** How many requests it got. */
  asked = 0;

  #port = 0;
  /** @type {object[]} */
  #keys = [];
  /** @type {ChildProcess | undefined} */
  #process;
  #onPublished = () => {};

  get url() {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Starts the process, for the first time or again. */
  async start() {
    const child = fork(fileURLToPath(new URL("issuer-process.mjs", import.meta.url)));
    this.#process = child;
    child.on("message", (/** @type {Notice} */ notice) => this.#hear(notice));
    child.once("exit", (code, signal) => {
      if (signal !== "SIGKILL") throw new Error(`the issuer ended by itself: ${signal ?? code}`);
    });
    await this.#tell(child);
  }

  /**
   * Publishes one more key, and has done so when this resolves.
   *
   * @param {object} key a public JWK
   */
  async publish(key) {
    this.#keys.push(key);
    if (this.#process !== undefined) await this.#tell(this.#process);
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
  async #tell(child) {
    await new Promise((resolve) => {
      this.#onPublished = () => resolve(undefined);
      child.send({ port: this.#port, keys: this.#keys });
    });
  }

  /** @param {Notice} notice */
  #hear(notice) {
    if ("asked" in notice) {
      this.asked += 1;
    } else {
      this.#port = notice.port;
      this.#onPublished();
    }
  }
}

/**
 * Creates a key of an issuer: the public half to publish, and the function that signs tokens with it.
 *
 * @param {string} issuer
 */
export async function createSigner(issuer) {
  const { jwks, audience, accessToken, close } = await createIssuer({ issuer });
  // Its own server is of no use: the issuer is another process.
  await close();
  const [key = {}] = jwks.keys;
  return { key, audience, accessToken };
}
