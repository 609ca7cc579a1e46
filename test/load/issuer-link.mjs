/** Records the requests from one API to the issuer. */
export class IssuerLink {
  /** The number of requests. */
  requests = 0;
  /** The number of failed requests. */
  failures = 0;
  /** Whether the last attempt to fetch the keys failed. */
  failing = false;
  /** The number of key sets that the API received. */
  keySets = 0;
  /** The number of keys in the last key set. Keys are only ever added. */
  keys = 0;
  /**
   * The index of the newest key whose tokens the clients of this API use. It advances when the API fails to fetch a key set
   * with that key. The API then must respond with 503, because it cannot distinguish that key from a nonexistent one.
   */
  newestKey = 0;

  #issuer;

  /** @param {import("./issuer.mjs").Issuer} issuer */
  constructor(issuer) {
    this.#issuer = issuer;
  }

  /** @type {typeof globalThis.fetch} */
  fetch = async (...request) => {
    this.requests += 1;
    try {
      const response = await fetch(...request);
      /** @type {{ keys?: object[] }} */
      const { keys } = JSON.parse(await response.clone().text());
      if (keys !== undefined) {
        this.keySets += 1;
        this.keys = keys.length;
        this.failing = false;
      }
      return response;
    } catch (error) {
      this.failures += 1;
      this.failing = true;
      this.newestKey = this.#issuer.published - 1;
      throw error;
    }
  };
}
